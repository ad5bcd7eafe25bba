"""The model card `MODEL_CARD.md`: what a registered model is for, what it was tested on, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.core import files
from trainables.core.baselines.record import Baseline
from trainables.core.wording import counted
from tuning.evidence.holdout import describe_tested
from tuning.evidence.model.members import card_limits, card_renewed, card_size, card_trials
from tuning.evidence.model.override import override_in
from tuning.records import tags
from tuning.statistics.units import ONE, Units
from tuning.statistics.units import counted as counted_units
from tuning.text.quantities import by_seed, percent

MOST_DESCRIBED = 5000  # characters that a registry in a database keeps of a version's description

_LAW = """\
In the European Union, Regulation (EU) 2024/1689 (the AI Act) prohibits in Article 5(1)(f) AI systems that infer emotions \
of people at the workplace and in education institutions, except for medical or safety reasons. Elsewhere, AI systems \
intended for emotion recognition are listed as high-risk (Annex III, point 1(c)), and whoever deploys one must inform the \
people exposed to it (Article 50(3)). Faces are personal data; other laws, such as the GDPR, apply too. This is a pointer \
and no legal advice: ask a lawyer before you deploy."""


def model_card(facts: Mapping[str, Any]) -> str:
    """The card as Markdown, from the facts of `evidence.json`, shortest and most needed first."""
    sections = [
        (f"# {facts['name']}", [*_cautions(facts), _summary(facts)]),
        ("## Intended use", [_use(facts)]),
        ("## Accuracy", [*_accuracy(facts), *_robustness(facts)]),
        ("## Limits", _limits(facts)),
        ("## The law", [_LAW]),
        ("## Data and licence", [_data(facts), *_starts_from(facts)]),
        ("## Provenance", [_origin(facts)]),
    ]
    return "\n".join(f"{title}\n\n" + "\n\n".join(paragraphs) + "\n" for title, paragraphs in sections)


def as_description(card: str) -> str:
    """Whole lines of `card`, as many as a registry keeps."""
    if len(card) <= MOST_DESCRIBED:
        return card
    rest = f"\n\n(The rest is in {files.MODEL_CARD}, beside the model.)"
    return card[: MOST_DESCRIBED - len(rest)].rpartition("\n")[0] + rest


def _cautions(facts: Mapping[str, Any]) -> list[str]:
    found = []
    if override := override_in(facts):
        found.append(f"**The gate refused this model.** It was {override.told}")
    if facts["data"]["drawn"]:
        found.append(
            "**The faces are drawn by a program.** Nothing here says how accurate the model is on real faces; it is not to "
            "be used on people."
        )
    if facts["data"]["smoke"]:
        found.append("**This was a smoke run**, cut short to see that it works; its figures mean nothing.")
    if facts["data"]["units"] == "clusters":
        error = f" {facts['data']['cluster_error'].capitalize()}." if facts["data"]["cluster_error"] else ""
        found.append(
            f"**The data set does not name the people of its clips.** Clusters of clips stand for them, by "
            f"`{facts['data']['cluster_by']}`, and no cluster is both in training and in test. A person who is in several "
            f"clusters may be, so the accuracy on new people may be lower.{error}"
        )
    if facts["data"]["units"] == "clips":
        found.append(
            "**The data set does not name the people of its clips.** A person may be both in training and in test, so the "
            "accuracy on new people may be lower."
        )
    return found


def _summary(facts: Mapping[str, Any]) -> str:
    accuracy, holdout = facts["accuracy"], facts["holdout"]
    units = facts["data"]["units"]
    return (
        f"{percent(accuracy['mean'])} accuracy of its configuration on {_tested(holdout, units)} "
        f"({percent(accuracy['confidence'], 0)} interval over {units} and seeds: {percent(accuracy['low'])} to "
        f"{percent(accuracy['high'])}; {len(facts['seeds'])} trainings{_by_seed(facts)}). "
        f"It tells {', '.join(facts['data']['classes'])} apart in clips of faces.{card_size(facts)}"
    )


def _by_seed(facts: Mapping[str, Any]) -> str:
    """The spread over seeds; evidence of before says nothing of it."""
    return f", {told}" if (told := by_seed(facts.get("by_seed", ()))) else ""


def _tested(part: Mapping[str, Any], units: Units) -> str:
    clips = f"{part['num_clips']} clips"
    if units == "clips":
        return f"{clips}, whose people are not named, that no choice had seen"
    who = "whom" if units == "people" else "that"
    return f"{clips} of {counted_units(part['num_subjects'], units)} {who} no choice had seen"


def _use(facts: Mapping[str, Any]) -> str:
    return (
        "Research on facial expressions, and applications whose deployer has tested it on the people and the recordings it "
        "will meet. Input: clips or images of one face; output: a probability for each class. It names an expression as the "
        f"data set {facts['data']['dataset']} labels it. An expression is not a feeling: do not decide about a person by it."
    )


def _accuracy(facts: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {percent(found['recall'])} | {found['num_clips']} |" for name, found in facts["by_class"].items()
    ]
    absent = [name for name in facts["data"]["classes"] if name not in facts["by_class"]]
    missing = f" No clip of {', '.join(absent)} was tested." if absent else ""
    subjects = facts["by_person"]
    by_subject = (
        f"By {ONE[facts['data']['units']]}: lowest {percent(subjects['min'])}, median {percent(subjects['median'])}, highest "
        f"{percent(subjects['max'])}. "
        if subjects
        else ""
    )
    paragraphs = [
        "\n".join(["| class | recognised | clips |", "|---|---|---|", *rows]),
        f"{by_subject}Majority baseline (always answering the commonest class): {percent(facts['majority'])}.{missing}",
    ]
    if measured := _baselines(facts["search"]):
        paragraphs.append(measured)
    if raced := _race(facts.get("race"), facts["data"]["units"]):
        paragraphs.append(raced)
    if (optimism := facts["search"]["optimism"]) and "accuracy" in facts["search"]:
        paragraphs.append(
            f"Optimism of the search: {100 * optimism['mean']:+.1f} points (interval {100 * optimism['low']:+.1f} to "
            f"{100 * optimism['high']:+.1f}). Its {facts['search']['num_trials']} trials had promised "
            f"{percent(facts['search']['accuracy'])}."
        )
    if replaced := facts["replaced"]:
        verdict = next(one for one in facts["verdicts"] if one["name"] == facts["trial_id"])
        paragraphs.append(f"It replaced version {replaced['version']}: {verdict['reason']}{_given_up(facts)}")
    if again := card_renewed(facts):
        paragraphs.append(again)
    return paragraphs


def _baselines(search: Mapping[str, Any]) -> str:
    """What was had without the search, on the clips that it chose by; evidence of before says nothing of it."""
    rows = [Baseline.of(row) for row in search.get("baselines", [])]
    told = [f"{one.title} ({one.what}) {percent(one.accuracy)}" for one in rows if one.accuracy is not None]
    if not told:
        return ""
    beside = f"; this configuration {percent(search['accuracy'])}" if search.get("accuracy") is not None else ""
    return f"In the search, on people that it chose by: {', '.join(told)}{beside}."


def _race(found: Mapping[str, Any] | None, units: Units) -> str:
    """How the configuration was chosen; evidence of before, and of one that was asked for by name, says nothing of it."""
    if found is None:
        return ""
    tested = describe_tested(found["num_people"], found["num_clips"], units)
    measured = f"{percent(found['accuracy']['mean'])} outside the holdout ({tested}; {found['num_folds']} folds)."
    if found["num_configurations"] == 1:
        return f"By cross-validation: {measured}"
    told = f"It won a race of {found['num_configurations']} configurations by cross-validation: {measured}"
    if corrected := found["corrected"]:
        limits = f"{percent(corrected['low'])} to {percent(corrected['high'])}"
        told += f" Corrected for the choice (BBC-CV) that is {percent(corrected['mean'])} ({limits})."
    return told


def _given_up(facts: Mapping[str, Any]) -> str:
    """What accuracy may have been given up since the champion that last had to be superior."""
    reference = facts["accuracy_reference"]
    spent, since = float(reference[tags.MARGIN_SPENT]), reference.get(tags.ACCURACY_REFERENCE)
    if not since:
        return ""
    return f" Since {since}, up to {100 * spent:.1f} points of accuracy may have been given up for less cost."


def _robustness(facts: Mapping[str, Any]) -> list[str]:
    units = {"accuracy_under_occlusion": "% of the face hidden", "accuracy_under_rotation": "degrees of rotation"}
    lines = []
    for metric, curve in facts["robustness"].items():
        if not curve:
            continue
        strongest = max(curve, key=int)
        lines.append(f"{percent(curve[strongest])} with {strongest} {units[metric]}")
    return [f"On disturbed faces: {'; '.join(lines)}."] if lines else []


def _limits(facts: Mapping[str, Any]) -> list[str]:
    trained, units = facts["trained_on"], facts["data"]["units"]
    on = f"{trained['num_clips']} clips"
    if units != "clips":
        on = f"{counted_units(trained['num_subjects'], units)} ({on})"
    not_measured = ", ".join(facts["not_measured"])
    return [
        f"The figures are of the configuration: {len(facts['seeds'])} trainings of it, tested on locked-away "
        f"{units}. {card_limits(facts, on)}",
        "The data set's reader states no groups of people (age, sex, skin colour), so differences between groups were not "
        "measured and may be large. People, cameras and cultures other than those of the data set were not tested.",
        *([f"Left out, as their value is not a number: {not_measured}."] if not_measured else []),
    ]


def _data(facts: Mapping[str, Any]) -> str:
    data = facts["data"]
    return (
        f"Data set {data['dataset']}, fingerprint `{data['fingerprint'][:16]}`. The licence of its owners governs the data "
        "and may govern what is learnt from it; read it before you pass the weights on or earn money with them."
    )


def _starts_from(facts: Mapping[str, Any]) -> list[str]:
    """What others trained the first weights on; evidence of before says nothing of it."""
    if not (loaded := facts["refit"].get("starts_from")):
        return []
    fresh = f"; {counted(len(loaded['fresh']), 'layer')} of it started afresh" if loaded["fresh"] else ""
    if frozen := loaded.get("frozen"):
        fresh += f"; the first {frozen['stages']} of its {frozen['of']} stages were left as they were"
    return [
        f"The training did not start from nothing: the {loaded['backbone']} in it began with the weights of "
        f"`{loaded['file'].rpartition('/')[2]}` (SHA-256 `{loaded['sha256'][:16]}`), **trained on "
        f"{loaded['trained_on']}**{fresh}. Their licence as stated by whoever published them: {loaded['licence']}. People in "
        "those pictures may be known to the model, and what these pictures lack it may not have learnt."
    ]


def _origin(facts: Mapping[str, Any]) -> str:
    parameters = ", ".join(f"{key} {value}" for key, value in facts["parameters"].items())
    return (
        f"Study {facts['study']}, {facts['trial_id']}, refitted as {card_trials(facts)} for "
        f"{facts['refit']['epochs']} epochs; {_code(facts['code'])}. All of the evidence: `evidence.json` beside this "
        f"card. Configuration of {facts['trainable']}: {parameters}."
    )


def _code(code: Mapping[str, Any]) -> str:
    """The version of fertune that promoted, and its commit, or by phase the commits where they are not all the same."""
    fertune = f"fertune {code['versions']['fertune']}"
    by_phase = {**code["commits"], "promotion": [code["commit"]]}
    if len({commit for commits in by_phase.values() for commit in commits}) == 1:
        return f"{fertune}, commit {_short(code['commit'])}"
    listed = (f"{phase} {' and '.join(map(_short, commits))}" for phase, commits in by_phase.items() if commits)
    return f"{fertune}, commits: {', '.join(listed)}"


def _short(commit: str) -> str:
    """The first digits of a commit, with what says that the tree was modified; words where there is none."""
    revision, _, modified = commit.partition("-")
    return revision[:12] + (f"-{modified}" if modified else "") or "not a checkout"
