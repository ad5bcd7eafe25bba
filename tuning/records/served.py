"""A registered model at work, on the code saved with it: another process runs it, which knows nothing of the code here."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuning.records.registry import download

_PROGRAM = Path(__file__).with_name("saved_model.py")


def predict(uri: str, tracking_uri: str, paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """One row a clip, as it comes: path, label, probabilities by class name, and `error` where there is no answer.

    `uri` is `models:/<name>@champion` or `models:/<name>/<version>`. Raises `ValueError` where the store has no such model,
    and `RuntimeError`, with its last words, where the process that runs it ends.
    """
    with tempfile.TemporaryDirectory() as copy, tempfile.TemporaryFile() as errors:
        folder = download(uri, tracking_uri, Path(copy))
        process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )
        with process:
            try:
                _answer(process)  # that it is ready
                for path in paths:
                    yield from _answer(process, path)
            except (BrokenPipeError, EOFError):
                code = process.wait(timeout=60)
                errors.seek(0)
                raise RuntimeError(_ended(uri, code, errors.read().decode(errors="replace"))) from None
            finally:
                process.kill()


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
