"""Whatever the encoding of a stream lacks is written all the same."""

import io
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from trainables.core.streams import take_any_text


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("ascii", r"* 3 ^ +- \xe9 a\udcff.mp4"),
        ("latin-1", "* 3 ^ ± é a\\udcff.mp4"),
        ("utf-8", "★ 3 ↑ ± é a\\udcff.mp4"),
    ],
)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_an_encoding_lacks_is_written_by_a_like_sign_or_its_code(monkeypatch, name, encoding, written):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, name, stream)
    take_any_text()
    print("★ 3 ↑ ± é a\udcff.mp4", end="", file=stream, flush=True)
    assert stream.buffer.getvalue().decode(encoding) == written


def test_a_closed_output_swallows_what_it_is_given_and_no_file_gets_its_number():
    code = (
        "import os, sys\n"
        "from trainables.core.streams import take_any_text\n"
        "take_any_text()\n"
        "print('lost', flush=True)\n"
        "print(os.open('tune.py', os.O_RDONLY) > 2, file=sys.stderr)"
    )
    command = ["sh", "-c", 'exec "$0" -c "$1" >&- <&-', sys.executable, code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "True\n")
