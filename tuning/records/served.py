"""A registered model at work, on the code saved with it: another process runs it, which knows nothing of the code here."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tuning.records.registry import download

_PROGRAM = Path(__file__).with_name("saved_model.py")
# What ends a process because of the file that it reads: faults of a decoder, and a kernel without memory.
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGKILL}


def predict(
    uri: str, tracking_uri: str, paths: Sequence[Path], *, every_face: bool = False
) -> Iterator[dict[str, Any]]:
    """One row a clip, as it comes: path, label, probabilities by class name, and `error` where there is no answer.

    `uri` is `models:/<name>@champion` or `models:/<name>/<version>`. With `every_face` there is a row for each person in a
    clip. A path that kills the process that runs the model has no answer, and the others go on in another. Raises
    `ValueError` where the store has no such model, or one that answers for one face a clip only, and `RuntimeError`, with
    its last words, where the process ends otherwise.
    """
    params = {"every_face": True} if every_face else {}
    with tempfile.TemporaryDirectory() as copy:
        folder = download(uri, tracking_uri, Path(copy))
        left = list(paths)
        while True:
            with tempfile.TemporaryFile() as errors, _begun(folder, params, errors) as process:
                asked = None
                try:
                    if _answer(process)["unknown"]:
                        raise ValueError(
                            f"{uri} was registered by a version of fertune that answers for one face a clip: go without "
                            "--every-face, or promote a model with this version."
                        )
                    while left:
                        asked = left.pop(0)
                        yield from _answer(process, asked)
                    return
                except (BrokenPipeError, EOFError):
                    code = process.wait(timeout=60)
                    if asked is None or -code not in FAULTS:
                        errors.seek(0)
                        raise RuntimeError(_ended(uri, code, errors.read().decode(errors="replace"))) from None
                finally:
                    process.kill()
                    assert process.stdin is not None
                    with contextlib.suppress(BrokenPipeError):  # what was not sent before it died
                        process.stdin.close()
            error = (
                f"{asked}: the process that read it was killed (signal {-code}: a fault of the decoder, or no memory)."
            )
            yield {"path": str(asked), "label": None, "probabilities": None, "error": error}


def _begun(folder: Path, params: dict[str, Any], errors: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM), str(folder), json.dumps(params)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
    )


def _answer(process: subprocess.Popen[str], path: Path | None = None) -> Any:
    """What the process says to `path`, or once it is ready. Raises `EOFError` where it is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    if path is not None:
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise EOFError
    return json.loads(line)


def _ended(uri: str, code: int, output: str) -> str:
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    return f"The process that ran {uri} ended ({'signal' if code < 0 else 'exit code'} {abs(code)}): {last.strip()}"
