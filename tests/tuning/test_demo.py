"""The main job, and how it ends."""

import contextlib
from types import SimpleNamespace
from unittest.mock import MagicMock

from tests.support.command import on_terminal
from tuning.demo import demo
from tuning.text.outcomes import show_demo


def test_it_ends_well_where_it_has_drawn_nothing(tmp_path, monkeypatch, capsys):
    """As where the study was begun on a data root of its own."""
    promoted = SimpleNamespace(uri="models:/demo@champion")
    runner = MagicMock(
        home=tmp_path, ran=SimpleNamespace(home=tmp_path, study=SimpleNamespace(name="demo"), compare=())
    )
    monkeypatch.setattr("tuning.demo.Runner", lambda *_, **__: contextlib.nullcontext(runner))
    monkeypatch.setattr("tuning.demo.promote_winner", lambda _: promoted)
    monkeypatch.setattr("tuning.text.outcomes.show_promotion", lambda *_: None)
    shown, searched = on_terminal(), []
    ended = demo(searched.append)
    show_demo(ended.ran, ended.promoted, ended.clip, shown)
    assert searched == [runner.ran]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("tune.py predict CLIP --model models:/demo@champion")
    assert lines[2].endswith("tune.py report demo")
