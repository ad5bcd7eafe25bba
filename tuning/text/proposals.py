"""Why a search tried what it tried, and what it expected of it, in words: from what the ledger keeps of a proposal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuning.text.quantities import percent, quantity


def proposed(facts: Mapping[str, Any]) -> Iterator[str]:
    """A line on why it was proposed, and one on what was expected; none where the searcher said nothing."""
    if not facts:
        return
    yield f"proposed: {_why(facts)}"
    expected = [_uncertain(metric, *both) for metric, both in facts.get("expected", {}).items()]
    exact = facts.get("exact", ())
    expected += [_known(metric, value, metric in exact) for metric, value in facts.get("known", {}).items()]
    if "seconds" in facts:
        expected.append(f"{facts['seconds']:.3g} s in all")
    if expected:
        yield f"expected: {', '.join(expected)}"


def _why(facts: Mapping[str, Any]) -> str:
    gain = f"{percent(facts['gain'], 2)} more hypervolume" if "gain" in facts else ""
    match facts["why"]:
        case "first":
            return "among the first points" + (f"; {gain} expected" if gain else "")
        case "random":
            return "drawn at random, unlike what was tried, as too little is known yet"
        case "again":
            scores = facts.get("num_scores", 0)
            known = "what runs" if not scores else "1 score" if scores == 1 else f"{scores} scores"
            return f"another seed of a promising point, as {known} cannot tell it apart" + (f"; {gain}" if gain else "")
    prior = f", weighed {facts['prior']:.3g} by the study's prior" if facts.get("prior", 1.0) != 1.0 else ""
    among = f" of {facts['num_compared']:,} points" if facts.get("num_compared", 0) > 1 else ""
    what = f"{gain} expected, " if gain else ""
    return f"{what}the most{among} for its time{prior}"


def _uncertain(metric: str, mean: float, sd: float) -> str:
    found = quantity(metric)
    return f"{found.name} {found.typed(mean)} (standard deviation {found.number(sd)})"


def _known(metric: str, value: float, exact: bool) -> str:
    found = quantity(metric)
    return f"{found.name} {found.typed(value)}{' (exact)' if exact else ''}"
