"""The command line's end of an ablation, and of its dry run: what is said of a good one and of everything that is wrong."""

import contextlib
import csv
import json
import math
from types import SimpleNamespace

import pytest

from search_spaces.core import study as study_module
from search_spaces.core.designs import sweep
from tests.support.ablation_driver import Driver, study_of, tuned_study
from tests.support.command import call

STUDY = "res_rbg_depth"  # a study that there is; the one that runs is `study_of`


@pytest.fixture
def command(prepared, tmp_path, monkeypatch):
    """`command(*arguments, study=, **driver)` runs `tune.py run` on a study whose trainings a `Driver` invents."""
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))

    def run(*arguments, study=None, **driver):
        @contextlib.contextmanager
        def runner(loaded, listener, *, require, **_):
            with Driver(loaded, tmp_path, prepared, listener=listener, **driver) as opened:
                require(opened)
                yield opened

        monkeypatch.setattr(study_module, "load_study", lambda name: study or study_of())
        monkeypatch.setattr("tuning.ablate.Runner", runner)
        done = call("run", STUDY, *arguments)
        assert "Traceback" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return SimpleNamespace(code=done.exit_code, out=" ".join(done.stdout.split()), error=done.stderr.strip())

    return run


def answers(trial):
    return 0.5 + 0.2 * trial.parameters["rbg_depth"]


@pytest.mark.slow
def test_a_whole_one_is_compared_and_its_table_written(command, tmp_path):
    done = command("--folds", "all", "--seeds", "2", "--table", str(tmp_path / "out" / "table.csv"), answers=answers)
    assert done.code == 0
    assert "rbg_depth=2: better by" in done.out
    assert "(4 folds, 2 seeds, 12 people, 24 clips" in done.out
    rows = list(csv.DictReader((tmp_path / "out" / "table.csv").open()))
    assert [row["name"] for row in rows[:3]] == ["rbg_depth=0", "rbg_depth=1", "rbg_depth=2"]


def test_identical_results_are_called_so_and_all_answers_right_are_no_certainty(command):
    done = command("--folds", "0,1", "--seeds", "1", answers=lambda trial: 1.0)
    assert done.code == 0
    assert "rbg_depth=1: no significant difference (the results are identical;" in done.out
    # Six people, who could all be wrong.
    assert "rbg_depth=0 100.0 [54.1, 100.0] 100.0 [54.1, 100.0] 5.0 11.000" in done.out
    assert "rbg_depth=1 +0.0 [no spread] no spread no spread 1.000" in done.out


def test_a_variant_whose_runs_failed_is_left_out_with_what_it_said(command):
    def breaks(trial):
        return trial.variant == "rbg_depth=2" and trial.folds == (1,)

    done = command("--folds", "0,1,2", "--seeds", "1", answers=answers, breaks=breaks)
    assert done.code == 0
    assert (
        "rbg_depth=2 is not compared: it has 1 of 3 runs missing or without a result (fold 1 seed 200000000)"
        in done.out
    )
    assert (
        "1 training failed, the first rbg_depth=2 on fold 1 with seed 200000000 (ablation-0005: NonFinite" in done.out
    )
    assert "rbg_depth=1:" in done.out
    assert "1 seed per fold" in done.out


def test_one_that_failed_everywhere_is_listed_with_what_it_said(command):
    done = command("--folds", "0,1", "--seeds", "1", breaks=lambda trial: True)
    assert done.code == 1
    assert "rbg_depth=0 0 of 2" in done.out
    assert "6 trainings failed, the first rbg_depth=0 on fold 0" in done.out
    assert "NonFiniteLoss: the loss became NaN" in done.out


def test_a_result_that_is_no_number_is_no_result(command, monkeypatch):
    results = Driver._results

    def nan(self, trial):
        return results(self, trial) | ({"accuracy": math.nan} if trial.variant == "rbg_depth=1" else {})

    monkeypatch.setattr(Driver, "_results", nan)
    done = command("--folds", "0,1", "--seeds", "1")
    assert "rbg_depth=1 is not compared: it has 2 of 2 runs missing or without a result" in done.out
    assert "rbg_depth=2:" in done.out


@pytest.mark.slow
def test_folds_that_are_missing_are_left_out_and_named(command):
    done = command("--folds", "0,1,2", "--seeds", "1", answers=answers, late_after=7)
    assert done.code == 0
    assert "2 of 9 trainings are missing or without a result. Compared are 2 of 3 folds (0, 1)" in done.out
    done = command("--resume", "--folds", "0,1,2", "--seeds", "1", answers=answers)
    assert "(3 folds, 1 seed" in done.out


def test_one_stopped_in_its_searches_says_how_far_it_came(command):
    done = command("--folds", "0,1", "--seeds", "1", study=tuned_study(), late_after=4)
    assert "4 of 6 search trials are done. The trainings to compare follow them; `--resume` goes on." in done.out
    done = command("--folds", "0,1", "--seeds", "1", study=tuned_study())
    assert done.code == 2
    assert "has 4 search trials. Go on, or add folds and seeds, with --resume" in done.error


def test_ctrl_c_says_how_to_go_on(command):
    done = command("--folds", "0,1", "--seeds", "1", interrupt_after=4)
    assert (done.code, done.out) == (130, "")
    assert done.error == "Interrupted. What was done is kept; the same command with --resume goes on."
    assert command("--resume", "--folds", "0,1", "--seeds", "1").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "0,9"], "Folds were given as 9; the data set has folds 0 to 3"),
        (["--folds", "0,,1"], "--folds was given as '0,,1'; allowed are `all` and numbers such as 0,1"),
        (["--folds", ""], "--folds was given as ''"),
        (["--folds", "-1"], "--folds was given as '-1'"),
        (["--folds", "1.5"], "--folds was given as '1.5'"),
        (["--folds", "²"], "--folds was given as '²'"),
        (["--seeds", "0"], "Invalid value for '--seeds': "),
        (["--seeds", "two"], "Invalid value for '--seeds': "),
        (["--table", "table.xlsx"], "table.xlsx ends in .xlsx; a table is written to .csv, .md, .tex"),
        (["--sd", "2"], "--sd was given without --dry-run; it sets the spread that a plan is made from"),
        (["--pilot", "depths"], "--pilot was given without --dry-run"),
        (["--dry-run", "--sd", "2", "--pilot", "depths"], "--sd and --pilot were both given"),
        (["--dry-run", "--sd", "0"], "--sd was given as 0; points of accuracy above 0 and up to 100"),
        (["--dry-run", "--sd", "inf"], "--sd was given as inf"),
        (["--dry-run", "--sd", "nan"], "--sd was given as nan"),
        (["--dry-run", "--pilot", "depts"], "There is no study that was begun named 'depts'"),
        (["--dry-run", "--folds", "0,99"], "Folds were given as 99; the data set has folds 0 to 4"),
    ],
)
def test_what_a_person_got_wrong_is_a_message_before_anything_is_trained(command, tmp_path, arguments, message):
    done = command(*arguments)
    assert done.code == 2
    assert message in " ".join(done.error.replace("│", " ").split())
    assert done.out == ""
    assert not list(tmp_path.glob("*/trials"))


def test_options_of_a_plan_are_none_of_a_search(monkeypatch, tmp_path):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    done = call("run", "demo", "--dry-run", "--sd", "2")
    assert done.stderr == "Error: Study demo is a search; --sd is an option of an ablation.\n"


@pytest.mark.slow
def test_a_dry_run_takes_a_spread_and_says_whom_it_tests(command):
    done = command("--dry-run", "--sd", "2", "--seeds", "1", "--folds", "0,0,1")
    assert done.code == 0
    assert "Trainings: 6 (3 variants x 2 folds x 1 seed)." in done.out
    assert "from the given standard deviation of 2.0 points of a paired difference in accuracy" in done.out
    found = json.loads(command("--dry-run", "--sd", "2", "--json").out)
    assert (found["num_people"], found["num_trainings"]) == (10, 45)
    narrow = study_of(design=sweep("rbg_depth", [0, 1]))
    assert (
        json.loads(command("--dry-run", "--sd", "2", "--json", study=narrow).out)["detectable_points"]
        < found["detectable_points"]
    )
