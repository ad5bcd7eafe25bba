"""Alpha-investing: the level that is left for the next question to the same people.

A question is a test whether a challenger may replace the champion. The wealth begins at W(0) = 0.05. Question j is asked at
two fifths of what is left, pays that level, and earns 0.05 back where it ends in a promotion, true or not:

    level(j) = 0.4 W(j-1)
    W(j) = W(j-1) - level(j) + 0.05 R(j),  R(j) = 1 for a promotion, else 0

(Foster and Stine, JRSS B 70, 2008. In the general form of Aharoni and Rosset, JRSS B 76, 2014, a question that pays phi at the
level a may earn min(phi / power + 0.05, phi / a + 0.05 - 1); with phi = a that is 0.05.) So W is what it began with, less all
levels, plus 0.05 for each promotion, in whatever order.

**Promised without a promotion**, at most 5 % ever. Until somebody is promoted the levels are 0.02, 0.012, 0.0072, ...,
whose sum is below 0.05. By Bonferroni's inequality the chance that any of these questions promotes falsely, so also that the
first promotion is false, is at most 0.05, whatever the questions have in common: the same people, the same challenger with
more seeds, a peek. It takes tests that hold their level, and challengers that were not chosen by answers of these people
which no question paid for.

**Promised after a promotion**, less: mFDR = E[V] / (E[Q] + 1) <= 0.05 for V false ones among Q promotions. A long row of true
promotions may hold a false one. The proof takes tests that hold their level whatever came before. Questions to the same people
depend on one another through these people, so for them it is no theorem after the first promotion. `benchmarks/
promotion_calibration.py` measures it.
"""

from __future__ import annotations

from collections.abc import Iterable

WEALTH = 0.05  # W(0): the chance of a false promotion of these people without any earned back
EARNED = 0.05  # by a promotion
SHARE = 0.4  # of what is left, that a question is asked at
HOPELESS = 0.001  # what is left lets nobody pass who is not far better


def wealth(levels: Iterable[float], num_promotions: int) -> float:
    """What is left after questions at `levels` of which `num_promotions` ended in a promotion: a share, at least 0."""
    return max(WEALTH - sum(levels) + EARNED * num_promotions, 0.0)


def next_level(left: float) -> float:
    """The level of the next question where `left` is the wealth."""
    return round(SHARE * left, 12)  # as people write it
