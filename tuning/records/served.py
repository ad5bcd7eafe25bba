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


def predict(uri: str, tracking_uri: str, paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """One row a clip, as it comes: path, label, probabilities by class name, and `error` where there is no answer.

    `uri` is `models:/<name>@champion` or `models:/<name>/<version>`. A path that kills the process that runs the model has
    no answer, and the others go on in another. Raises `ValueError` where the store has no such model, and `RuntimeError`,
    with its last words, where the process ends otherwise.
    """
    with tempfile.TemporaryDirectory() as copy:
        folder = download(uri, tracking_uri, Path(copy))
        left = list(paths)
        while True:
            with tempfile.TemporaryFile() as errors, _begun(folder, errors) as process:
                asked = None
                try:
                    _answer(process)  # that it is ready
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


def _begun(folder: Path, errors: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM), str(folder)],
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
