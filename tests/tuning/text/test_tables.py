"""Tables of a study's results in a terminal, and what to type next as a shell reads it."""

import io
import json
import shlex
from types import SimpleNamespace

from rich.console import Console

from search_spaces.core.study import PARETO
from tests.support.builders import make_trial
from tests.support.tiny_study import tiny_study
from tuning.predict import Prediction
from tuning.records.ledger import Ledger
from tuning.records.ran import Ran
from tuning.text.outcomes import show_demo, show_run
from tuning.text.progress import TerminalListener
from tuning.text.shown import Shown
from tuning.text.tables import front_table, print_front, show_predictions

TOLD = {"faces": 2, "remarks": ["more than one face (2)", "a variable frame rate"]}
METRICS = {"accuracy": 0.8, "train_time_s": 10.0, "param_count": 1e6}


def commands_of(show, home, **study):
    written = io.StringIO()
    console = Console(file=written, width=80)
    shown = Shown(console=console, listener=TerminalListener(console))
    show(Ran(study=tiny_study(**study), home=home, ledger=Ledger(home)), shown)
    lines = written.getvalue().partition("What next:\n")[2].splitlines()
    return [shlex.split(line) for line in lines]


def test_every_command_is_read_as_it_was_meant(tmp_path, monkeypatch):
    home = tmp_path / "my runs; rm -rf $HOME"
    first, second = commands_of(show_run, home, name="it's mine")
    assert first[0] == second[0] == f"FERTUNE_HOME={home}"
    assert (first[2:], second[2:]) == (["tune.py", "promote", "it's mine"], ["tune.py", "report", "it's mine"])
    monkeypatch.setattr("tuning.text.outcomes.show_promotion", lambda *_: None)
    clip = home / "drawn" / "a clip.mp4"
    promoted = SimpleNamespace(uri="models:/tiny@champion")
    predict, _ = commands_of(lambda ran, shown: show_demo(ran, promoted, clip, shown), home)
    assert predict[2:] == ["tune.py", "predict", str(clip), "--model", "models:/tiny@champion"]


def test_a_parameter_that_a_member_of_the_front_does_not_have_is_a_blank_cell():
    given = ({"rbg_depth": 0, "lr": 0.1}, {"rbg_depth": 1, "shortcut": "linear", "lr": 0.2})
    table = front_table([make_trial(n, parameters=one, metrics=METRICS) for n, one in enumerate(given)], PARETO, None)
    cells = {column.header: list(column.cells) for column in table.columns}
    assert cells["rbg_depth"] == ["0", "1"]
    assert cells["lr"] == ["0.1", "0.2"]
    assert cells["shortcut"] == ["", "linear"]


def test_the_front_begins_with_the_likeliest_and_says_how_sure_the_recommendation_is(tmp_path, capsys):
    with Ledger.write(tmp_path) as ledger:
        for number in range(3):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", "FINISHED", METRICS)
        known = {"search-0000": 0.45, "search-0001": 0.995, "search-0002": 0.31}
        beside = {"members": list(known), "front_probability": known, "prefer": "small", "unmet": ""}
        sureness = {"search-0000": 0.62, "search-0001": 0.21}
        ledger.select(["search-0000", "search-0001"], "search-0000", **beside, sureness=sureness)
        console = Console(file=io.StringIO(), width=120)
        print_front(ledger, PARETO, Shown(console=console, listener=TerminalListener(console)))
        print_front(ledger, PARETO, Shown(console=console, listener=TerminalListener(console), as_json=True))
    written = console.file.getvalue()
    lines = [line.split() for line in written.splitlines() if "search-" in line]
    assert [line[:2] for line in lines[:3]] == [["search-0001", "100"], ["★", "search-0000"], ["search-0002", "31"]]
    assert "★ recommended: the fewest parameters among those within one standard error of the best accuracy." in written
    assert "How sure: search-0000 is chosen in 62 % of the draws; next: search-0001, 21 %." in written
    assert "Beside the measured front: search-0002." in written
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["trial_id"], row["pareto"], row["front_probability"], row["chosen_in"]) for row in rows] == [
        ("search-0001", True, 0.995, 0.21),
        ("search-0000", True, 0.45, 0.62),
    ]


def test_below_the_front_stands_what_its_signs_mean_and_what_failed(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        for number, state in enumerate(("FINISHED", "FAILED")):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", state, METRICS if state == "FINISHED" else {}, "stack: bad\nmore")
        ledger.select(["search-0000"], "search-0000")
        console = Console(file=io.StringIO(), width=120)
        print_front(ledger, PARETO, Shown(console=console, listener=TerminalListener(console)))
    *_, signs, failed = console.file.getvalue().splitlines()
    assert signs.startswith(
        "★ recommended: the best compromise (knee) among those within one standard error of the best acc"
    )
    assert failed.startswith("1 of 2 trials failed and will not be tried again (search-0001: stack: bad).")


def predictions():
    answer = {
        "label": "smile",
        "probabilities": {"smile": 0.75, "neutral": 0.25},
        "error": None,
        "model": "models:/m/1",
    }
    yield Prediction(path="a.mp4", clip=TOLD, **answer)
    yield Prediction(path="b.mp4", **answer)  # by a model that tells nothing
    yield Prediction(path="c.mp4", label=None, probabilities={}, error="c.mp4: no face", model="models:/m/1")


def test_what_is_told_of_a_clip_stands_behind_its_answer(capsys):
    assert not show_predictions(predictions(), as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "a.mp4: smile (75.0 %); more than one face (2); a variable frame rate",
        "b.mp4: smile (75.0 %)",
        "c.mp4: error: c.mp4: no face",
    ]


def test_where_a_face_is_stands_behind_its_answer_if_that_is_asked_for(capsys):
    box = {"frame": 3, "left": 10, "top": 20, "right": 60, "bottom": 80}
    told = {"remarks": ["several shots (2)"], "box": box}
    answer = {"label": "smile", "probabilities": {"smile": 1.0}, "error": None, "model": "models:/m/1"}
    assert show_predictions([Prediction(path="a.mp4", clip=told, **answer)], as_json=False, with_box=True)
    assert capsys.readouterr().out.splitlines() == [
        "a.mp4: smile (100.0 %), face at x 10 to 60, y 20 to 80 px of frame 3; several shots (2)"
    ]


def test_what_is_told_of_a_clip_is_data_of_its_answer(capsys):
    show_predictions(predictions(), as_json=True)
    first, second, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "path": "a.mp4",
        "label": "smile",
        "probabilities": {"smile": 0.75, "neutral": 0.25},
        "model": "models:/m/1",
        "clip": TOLD,
    }
    assert second["clip"] is None
    assert failed == {"path": "c.mp4", "error": "c.mp4: no face"}
