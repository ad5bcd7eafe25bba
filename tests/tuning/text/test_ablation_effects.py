"""What is said of a factorial's effects: in tables, words and numbers of their own, as they are no variants."""

from tests.support.simulated_runs import simulated
from tuning.statistics.comparison import compare
from tuning.text.ablation_document import compared


def test_effects_have_tables_and_words_of_their_own():
    runs = simulated({"base": 0.4, "a": 0.8, "b": 0.4, "a+b": 0.4}, num_seeds=3)
    half = {"base": 0.5, "a": -0.5, "b": -0.5, "a+b": 0.5}
    main = {"base": -0.5, "a": 0.5, "b": -0.5, "a+b": 0.5}
    contrasts = {("a",): main, ("b",): {"base": -0.5, "a": -0.5, "b": 0.5, "a+b": 0.5}, ("a", "b"): half}
    comparison = compare(runs, "base", contrasts=contrasts)
    document = compared(comparison)
    _, variants, _, accuracy, beside = document.sheets
    assert [row[0] for row in variants.rows] == ["a", "b", "a+b"]
    assert accuracy.title.startswith(
        "Effects of components on accuracy, points (95 % intervals, not adjusted; interact"
    )
    assert accuracy.headings[0] == beside.headings[0] == "component"
    assert [row[0] for row in accuracy.rows] == [row[0] for row in beside.rows] == ["a", "b", "a x b"]
    assert not any("base" in sheet.title for sheet in (accuracy, beside))
    said = "\n".join(document.summary)
    for start in (
        "a: better by",
        "effect: a: raises accuracy by",
        "effect: b: lowers accuracy by",
        "effect: a x b: interac",
    ):
        assert f"\n{start}" in f"\n{said}", start
    assert f"interaction of -{-100 * comparison.effects['a x b'].interval.mean:.1f} points (" in said
    assert "half the change that one makes in the effect of the other" in said
    kinds = {row["name"]: row["is"] for row in document.numbers if row["is"] != "variant"}
    assert kinds == {"a": "effect", "b": "effect", "a x b": "interaction"}
    assert [row["kind"] for row in document.records][5:8] == ["effect", "effect", "interaction"]
