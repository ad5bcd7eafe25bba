"""How far the champions of several searches of one study differ, and what the gate says where one challenges another.

    python -m benchmarks.champions --data-root ../shared/faces/smiles [--study smiles] [--seed 0] [--searches 3] [--epochs 30]
        [--challenge] [--home DIR]

Each search is the study with another seed, in a home of its own: so each promotes a first champion, tested on the same people.
`--epochs` trains for so many, with ramps shortened alike. With `--challenge` the last search is run again in the first home,
where it has to beat the champion. Each search and its promotion is resumed where it was interrupted.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fertune
from search_spaces.core.study import Study, load_study
from trainables.core.streams import take_any_text
from tuning.evidence.contest import Refused

Row = dict[str, Any]


def study_of(name: str, seed: int, epochs: int | None) -> Study:
    """Study `name` with search seed `seed`, and `epochs` a training, its ramp in proportion."""
    study = load_study(name)
    settings = dict(study.settings)
    if epochs:
        if "ramp_epochs" in settings:
            settings["ramp_epochs"] = max(1, round(settings["ramp_epochs"] * epochs / settings["epochs"]))
        settings["epochs"] = epochs
    return dataclasses.replace(study, seed=seed, settings=settings)


def searched(study: Study, data_root: Path, home: Path, *, progress: bool) -> Row:
    """Search `study` in `home`, promote from it, and tell what was promoted: a row."""
    begun = time.monotonic()
    fertune.run(study, home=home, data_root=data_root, baselines=False, resume=True, progress=progress)
    ran = time.monotonic()
    promoted = fertune.promote(study, home=home, progress=progress)
    evidence, race, loaded = promoted.evidence, promoted.race, fertune.load(study, home=home)
    trials, front = loaded.trials, loaded.front
    return {
        "seed": study.seed,
        "recommended": front.index[front["recommended"]][0],
        "promoted": evidence.trial_id,
        **{name: evidence.parameters[name] for name in study.parameters},
        **{metric: float(trials.loc[evidence.trial_id, metric]) for metric in ("param_count", "accuracy")},
        "race": dataclasses.asdict(race) if race else None,
        "holdout": evidence.accuracy.mean,
        "holdout_low": evidence.accuracy.low,
        "holdout_high": evidence.accuracy.high,
        "people": evidence.num_subjects,
        "trainings": int((trials["phase"] != "search").sum()),
        "search_s": ran - begun,
        "promote_s": time.monotonic() - ran,
    }


def challenged(study: Study, data_root: Path, home: Path, *, progress: bool) -> Row:
    """What the gate of `home` says of the winner of `study`, which is searched there under another name."""
    challenger = dataclasses.replace(study, name=f"{study.name}_challenger")
    fertune.run(challenger, home=home, data_root=data_root, baselines=False, resume=True, progress=progress)
    try:
        promoted = fertune.promote(challenger, home=home, progress=progress)
    except Refused as refused:
        verdict = dataclasses.asdict(refused.verdict) if refused.verdict else None
        return {"promoted": False, "said": str(refused), "verdict": verdict}
    verdict = dataclasses.asdict(promoted.verdict) if promoted.verdict else None
    return {"promoted": True, "said": promoted.verdict.reason if promoted.verdict else "", "verdict": verdict}


def told(row: Row) -> str:
    """A row of the table."""
    raced = row["race"]
    of_race = "none"
    if raced:
        first, corrected = raced["racers"][0]["accuracy"], raced["corrected"]
        of_race = f"{len(raced['racers'])} racers: {_percent(first)}"
        of_race += f"; corrected {_percent(corrected)}" if corrected else ""
    return (
        f"| {row['seed']} | {row['recommended']} | {row['promoted']} | {100 * row['accuracy']:.1f} | {of_race} | "
        f"{100 * row['holdout']:.1f} ({100 * row['holdout_low']:.1f} to {100 * row['holdout_high']:.1f}) | "
        f"{row['param_count'] / 1e6:.2f} | {row['trainings']} | {row['search_s'] / 60:.1f} + {row['promote_s'] / 60:.1f} |"
    )


def _percent(interval: Row) -> str:
    return f"{100 * interval['mean']:.1f} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row a search as it is promoted, then by how much the champions differ, then all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, help="the clips, as the study reads them (default: drawn faces)")
    parser.add_argument("--study", default="smiles", help="a search of search_spaces/")
    parser.add_argument("--seed", type=int, default=0, help="the first search seed")
    parser.add_argument("--searches", type=int, default=3, help="how many seeds in a row")
    parser.add_argument("--epochs", type=int, help="epochs of a training (default: the study's)")
    parser.add_argument("--home", type=Path, help="the folder of the homes (default: nowhere)")
    parser.add_argument("--challenge", action="store_true", help="let the last search challenge the first champion")
    parser.add_argument("--progress", action="store_true", help="show bars")
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    gate: Row | None = None
    print(
        "| seed | recommended | promoted | validation, % | race, % | holdout, % | parameters, M | trainings to promote | "
        "minutes |\n|---:|---|---|---:|---|---:|---:|---:|---:|",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="fertune-champions-") as temporary:
        for seed in range(given.seed, given.seed + given.searches):
            study, home = study_of(given.study, seed, given.epochs), (given.home or Path(temporary)) / f"seed-{seed}"
            rows.append(searched(study, given.data_root, home, progress=given.progress))
            print(told(rows[-1]), flush=True)
        if given.challenge:
            study, home = (
                study_of(given.study, seed, given.epochs),
                (given.home or Path(temporary)) / f"seed-{given.seed}",
            )
            gate = challenged(study, given.data_root, home, progress=given.progress)
            print(f"The last challenges the first: {gate['said']}", flush=True)
    accuracies = [row["holdout"] for row in rows]
    print(
        f"The champions have {100 * min(accuracies):.1f} to {100 * max(accuracies):.1f} % on the holdout, "
        f"{100 * statistics.fmean(accuracies):.1f} % on average."
    )
    print(json.dumps({"champions": rows, "challenge": gate}))
    return 0


if __name__ == "__main__":
    take_any_text()
    raise SystemExit(main())
