"""Which faults there are to be, what became of each, and what all of them come to. A round that was judged is kept."""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.core.chaos.judging import Verdict

LEAST = 5  # faults of each kind
MOST_RECOVERY_S = 90.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One fault. `at_s` and `recovery_s` are seconds, the first since the benchmark began; `epoch` had been done by `trial`."""

    round: int
    kind: str
    at_s: float
    pid: int
    trial: str
    epoch: int
    recovery_s: float
    counted: bool
    note: str


def drawn(kinds: Sequence[str], faults: int, seed: int) -> list[str]:
    """The kinds of `faults` faults in the order in which they are to come: each `LEAST` times, or equally often, then any."""
    rng = random.Random(seed)
    least = min(LEAST, faults // len(kinds))
    found = [*kinds] * least
    found += (
        rng.sample(list(kinds), faults - len(found))
        if faults - len(found) <= len(kinds)
        else rng.choices(kinds, k=faults - len(found))
    )
    rng.shuffle(found)
    return found


def still_due(kinds: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """Of `drawn` kinds those that no counted row has had yet."""
    had, due = Counter(row.kind for row in rows if row.counted), []
    for kind in kinds:
        if had[kind]:
            had[kind] -= 1
        else:
            due.append(kind)
    return due


class Kept:
    """The judged rounds, a line each in `path`: what a benchmark that was interrupted goes on from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        self.verdicts: list[Verdict] = []
        self.seconds = 0.0
        for line in path.read_text().splitlines() if path.exists() else ():
            self._take(json.loads(line))

    @property
    def num_rounds(self) -> int:
        return len(self.verdicts)

    def add(self, rows: Sequence[Row], verdict: Verdict, seconds: float) -> None:
        """A round has been judged; `seconds` is how long it took."""
        kept = {"rows": [*map(dataclasses.asdict, rows)], "verdict": dataclasses.asdict(verdict), "seconds": seconds}
        with self.path.open("a") as file:
            file.write(json.dumps(kept) + "\n")
        self._take(kept)

    def _take(self, kept: dict[str, Any]) -> None:
        self.rows += [Row(**row) for row in kept["rows"]]
        self.verdicts.append(Verdict(**kept["verdict"]))
        self.seconds += kept["seconds"]


def summary(kept: Kept, kinds: Sequence[str]) -> dict[str, Any]:
    """The keys that a script reads."""
    counted = [row for row in kept.rows if row.counted]
    by_kind = Counter(row.kind for row in counted)
    return {
        "faults": len(counted),
        "by_kind": {kind: by_kind[kind] for kind in kinds},
        **{key: sum(len(getattr(one, key)) for one in kept.verdicts) for key in Verdict.__dataclass_fields__},
        "longest_recovery_s": round(max((row.recovery_s for row in counted), default=0.0), 1),
        "rounds": kept.num_rounds,
    }


def shortcomings(found: Mapping[str, Any], faults: int) -> list[str]:
    """Why a benchmark that was to have `faults` faults has not shown that nothing is lost, by its `summary`; none if it has."""
    wrong = [f"{key} is {found[key]}" for key in Verdict.__dataclass_fields__ if found[key]]
    if found["longest_recovery_s"] > MOST_RECOVERY_S:
        wrong.append(f"the longest recovery took {found['longest_recovery_s']} s, more than {MOST_RECOVERY_S:g} s")
    if found["faults"] < faults:
        wrong.append(f"{found['faults']} faults of {faults} counted")
    if faults >= LEAST * len(found["by_kind"]):
        wrong += [
            f"{kind} counted {number} times, not {LEAST}" for kind, number in found["by_kind"].items() if number < LEAST
        ]
    return wrong
