"""Every trial of the study: a table to sort and filter of the search or the ablation, and one of what came after it."""

from __future__ import annotations

from collections import Counter

from dashboards.core.data import ReportData
from dashboards.core.html import NOTHING, Cell, Html, element, join, missing, table
from dashboards.core.panel import Panel
from trainables.core.wording import counted
from tuning.records.front.told import likeliest_first
from tuning.records.ledger import Trial
from tuning.statistics.pairing import MEASURED
from tuning.text.quantities import NO_VALUE, quantity, setting, settings

_BESIDE = ("uar", "best_epoch", "wall_time_s")  # shown beside the objectives
_OF_FRONT = "front_probability"
_STATES = {
    "RUNNING": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "KILLED": "stopped early",
    "INTERRUPTED": "interrupted",
}


def panel(report: ReportData) -> Panel:
    """Trainings of an ablation; search trials, the likeliest on the front first; those of the race, confirmations, refits."""
    if not report.trained and not report.search:
        return Panel(title="Trials", order=70, lead=missing("No trial has started yet."))
    where = "trainings of the ablation on the test people of their fold, search trials on validation people"
    said, tables = [], []
    if report.is_ablation and report.trained:
        said.append(_states(report.trained, "training"))
        tables.append(_trainings(report))
    if report.search:
        said.append(_states(report.search, "search trial"))
        tables.append(_search(report))
    reading = (
        f"{'; '.join(said)}. Select a heading to sort by it, once more to reverse the order. Select a trial to "
        f"see it in the figures. Measured on {where if report.is_ablation else 'validation people'}."
    )
    if report.ledger.data_version > 1:
        reading += (
            f" The study went on with other data: version {report.ledger.data_version} is the present one, and trials on those "
            "of before count no more."
        )
    body = element("div", *tables, id="search-trials")
    return Panel(title="Trials", order=70, reading=reading, lead=_filter(), body=join([body, _after(report)]))


def _trainings(report: ReportData) -> Html:
    further = [objective.metric for objective in report.objectives if objective.metric not in MEASURED]
    measured = ("accuracy", "uar", "train_time_s", *further, "best_epoch")
    former = report.on_former_data("ablation")
    rows = [
        [
            _name(trial, former),
            Cell(shown=trial.variant),
            Cell(shown=trial.folds[0], numeric=True),
            Cell(shown=trial.seed, numeric=True),
            _state(trial),
            *(_measure(trial, key) for key in measured),
            *_version(trial, former),
        ]
        for trial in (*report.trained, *former)
    ]
    headings = ["training", "variant", "fold", "seed", "state", *(quantity(key).heading for key in measured)]
    headings += ["data"] * bool(former)
    return table("Trainings of the ablation", headings, rows, sortable=True)


def _search(report: ReportData) -> Html:
    objectives = [objective.metric for objective in report.objectives]
    beside = [key for key in _BESIDE if key not in objectives]
    headings = ["trial", "state", *(quantity(key).heading for key in (_OF_FRONT, *objectives)), *report.searched]
    former = report.on_former_data("search")
    headings += [*(quantity(key).heading for key in beside), "seed", *(["data"] * bool(former))]
    members = {trial.trial_id for trial in report.front}
    rows, marks = [], []
    for trial in (*likeliest_first(report.ledger, report.search), *former):
        rows.append(
            [
                _name(trial, former),
                _state(trial),
                _number(report.front_probability(trial), _OF_FRONT),
                *(_measure(trial, key) for key in objectives),
                *(_parameter(trial, key) for key in report.searched),
                *(_measure(trial, key) for key in beside),
                Cell(shown=trial.seed, numeric=True),
                *_version(trial, former),
            ]
        )
        marks.append("chosen" if trial is report.recommended else "front" if trial.trial_id in members else "")
    return table("Search trials", headings, rows, marks=marks, sortable=True)


def _after(report: ReportData) -> Html:
    """What a race scored on test people, and a confirmation on the holdout, stands apart from the search."""
    of_phase = report.ledger.of_phase
    later = [*of_phase("confirm"), *of_phase("refit")]
    return join([_later("Race", of_phase("race"), of_race=True), _later("Confirmations and refits", later)])


def _later(title: str, trials: list[Trial], *, of_race: bool = False) -> Html:
    if not trials:
        return NOTHING
    headings = ["training", "of", "champion" if of_race else "control", *(["fold"] * of_race), "state"]
    headings += [f"accuracy on the {'test people of the fold' if of_race else 'holdout'}, %", "best epoch", "seed"]
    rows = [
        [
            Cell(shown=trial.trial_id),
            Cell(shown=trial.of),
            Cell(shown=trial.variant),
            *([Cell(shown=trial.folds[0], numeric=True)] * of_race),
            _state(trial),
            _measure(trial, "accuracy") if trial.phase != "refit" else Cell(shown="", numeric=True),
            _measure(trial, "best_epoch"),
            Cell(shown=trial.seed, numeric=True),
            Cell(shown=settings(trial.parameters), class_="words"),
        ]
        for trial in trials
    ]
    return table(title, [*headings, "configuration"], rows, sortable=True)


def _version(trial: Trial, former: list[Trial]) -> list[Cell]:
    """Of which version of the study's data, where there are several."""
    return [Cell(shown=trial.data_version, numeric=True)] if former else []


def _filter() -> Html:
    box = element(
        "input", type="search", data_filters="search-trials", placeholder="finished g_eca", autocomplete="off"
    )
    return element("label", "Show trials with", box, element("output"), class_="filter")


def _states(trials: list[Trial], unit: str) -> str:
    counts = Counter(trial.state for trial in trials)
    listed = ", ".join(f"{number} {_STATES[state]}" for state, number in counts.most_common())
    return f"{counted(len(trials), unit)}: {listed}"


def _name(trial: Trial, former: list[Trial]) -> Cell:
    """What selects the trial in the figures, which have none on `former` data."""
    if trial in former:
        return Cell(shown=trial.trial_id)
    pick = element("button", trial.trial_id, type="button", data_trial=trial.trial_id, aria_pressed="false")
    return Cell(shown=pick, sort=trial.trial_id)


def _measure(trial: Trial, key: str) -> Cell:
    return _number(float(trial.metrics.get(key, float("nan"))), key)


def _number(value: float, key: str) -> Cell:
    return Cell(shown=quantity(key).number(value), sort=value, numeric=True)


def _parameter(trial: Trial, key: str) -> Cell:
    if key not in trial.parameters:
        return Cell(shown=NO_VALUE, sort="")
    value = trial.parameters[key]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(shown=setting(value), sort=float(value) if number else str(value), numeric=number)


def _state(trial: Trial) -> Cell:
    """The state, and below it what there is to say: the error, or how far the trial came."""
    state, epochs = _STATES[trial.state], counted(int(trial.curve[-1]["epoch"]) if trial.curve else 0, "epoch")
    if trial.error:
        remark, role = trial.error, "remark error"
    else:
        remark, role = {"RUNNING": f"{epochs} so far", "FINISHED": ""}.get(trial.state, f"after {epochs}"), "remark"
    if not remark:
        return Cell(shown=state, sort=state)
    class_ = "words" if trial.error else ""
    return Cell(shown=join([state, " ", element("span", remark, class_=role)]), sort=state, class_=class_)
