"""What a race is worth, at a size that says only that it works."""

import json

import pytest

from benchmarks import race


@pytest.fixture(scope="module")
def rows():
    return [race.decide(spread, study, 0) for study in range(3) for spread in race.SPREADS]


def test_the_same_seed_decides_the_same_study_alike(rows):
    assert race.decide(race.SPREADS[0], 0, 0) == rows[0]
    assert race.decide(race.SPREADS[0], 0, 1) != rows[0]


def test_nobody_regrets_less_than_nothing_and_trainings_are_those_that_ran(rows):
    for row in rows:
        assert min(row["regret"], row["regret_before"]) >= 0
        searched = race.NUM_CONFIGURATIONS + race.SEEDS_OF_WINNER + race.REFITS
        stayed = row["racers"] - row["left_early"]
        assert row["trainings"] - searched <= row["racers"] * race.NUM_FOLDS
        assert row["trainings"] - searched >= stayed * race.NUM_FOLDS + 2 * row["left_early"]


def test_the_summary_has_the_keys_that_a_script_reads(rows):
    found = race.summary(rows)
    assert found["num_studies"] == len(rows)
    assert set(found["within_2_points"]) == {"2", "4", "8"}
    assert found["trainings_ratio"] > 0
    assert found["regret_ratio"] >= 0
    assert json.dumps(found)


def test_who_wins_a_race_between_two_far_apart_is_the_better_one():
    found = race.Configurations(race.np.random.default_rng(0), 8)
    order = found.accuracy.argsort()
    winner, trained, left = race.run_race(found, [int(order[0]), int(order[-1])])
    assert (winner, left) == (order[-1], 1)
    assert trained < 2 * race.NUM_FOLDS


def test_what_a_file_holds_already_is_not_run_again(tmp_path, monkeypatch, capsys, rows):
    out = tmp_path / "rows.csv"
    monkeypatch.setattr("sys.argv", ["race", "--studies", "1", "--processes", "1", "--out", str(out)])
    race.main()
    first, written = json.loads(capsys.readouterr().out.splitlines()[-1]), out.read_text()
    monkeypatch.setattr(race, "decide", lambda *_: pytest.fail("it was run again"))
    race.main()
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert out.read_text() == written
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
