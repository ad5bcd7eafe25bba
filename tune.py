"""fertune's command line, and the entrypoint of a Ray job. `python tune.py` alone runs the whole main job."""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from tuning.ledger import Ledger

# Nothing heavy is imported here: `--help` and `list` answer at once.
DASHBOARD = "http://127.0.0.1:8265"  # of a local Ray, the next free port where this one is taken

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="A file of search_spaces/, see `list studies`.")]
DataRoot = Annotated[Path | None, typer.Option(help="The folder of the data set as it lies on disk.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for a script: one JSON object a line.")]
Verbose = Annotated[bool, typer.Option(help="Show the words of Ray and MLflow, and whole tracebacks.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context, verbose: Verbose = False) -> None:
    """Finds facial-expression models worth deploying: search, ablation and promotion on Ray, Optuna and MLflow.

    Without a command it runs the main job on drawn faces: search, confirm, promote.
    """
    if context.invoked_subcommand is None:
        with _sentences(verbose):
            _main_job(verbose)


@app.command()
def run(
    study: StudyName,
    data_root: DataRoot = None,
    num_samples: Annotated[int | None, typer.Option(min=1, help="Search trials in all.")] = None,
    time_budget: Annotated[str | None, typer.Option(help="Start no trial after so long: 90s, 30m, 2h.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="Trials at once.")] = None,
    workers_per_trial: Annotated[int, typer.Option(min=1)] = 1,
    cpus_per_worker: Annotated[int, typer.Option(min=1)] = 1,
    gpus_per_worker: Annotated[float | None, typer.Option(min=0)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study that was begun.")] = False,
    extend: Annotated[int | None, typer.Option(min=1, help="So many search trials more.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="The whole way in seconds, to see that it works.")] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run, resume or extend a study."""
    with _sentences(verbose):
        _require_study(study)
        from tuning.study_runner import Placement, Runner

        placement = Placement(
            workers=workers_per_trial,
            cpus_per_worker=cpus_per_worker,
            gpus_per_worker=gpus_per_worker,
            max_concurrent=max_concurrent,
        )
        seconds = _seconds(time_budget) if time_budget else None
        console, listener = _listener(quiet=as_json)
        with Runner(study, listener, data_root=data_root, placement=placement, smoke=smoke, verbose=verbose) as runner:
            samples = runner.search_size(num_samples, resume=resume, extend=extend)
            runner.search(samples, time_budget_s=seconds)
        _print_front(runner.ledger, runner.study, console, as_json)
        _say_unwritten(runner.tracker, console)
        if not runner.ledger.selection.get("front"):
            raise typer.Exit(1)
        if not as_json:
            listener.say(f"Next: python tune.py promote {study}")


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="A file of trainables/data/, see `list datasets`.")],
    data_root: Annotated[Path, typer.Option(help="The folder of the data set as it lies on disk.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find, crop and cache the faces of a data set; say what was kept, what was dropped and why."""
    with _sentences(verbose):
        from tuning.preparing import prepare_dataset
        from tuning.session import default_home

        _, listener = _listener(quiet=as_json)
        prepared = prepare_dataset(dataset, data_root, default_home(), listener)
        if as_json:
            dropped = [{"clip_id": clip.clip_id, "reason": clip.reason} for clip in prepared.dropped]
            print(json.dumps({"folder": str(prepared.folder), "kept": len(prepared), "dropped": dropped}))
        else:
            listener.say(f"Prepared data: {prepared.folder}")


@app.command()
def status(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="One study; all of them without.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Trials by state, the front, what was confirmed and promoted."""
    with _sentences(verbose):
        from tuning.overview import known_studies, overview
        from tuning.session import default_home

        home = default_home()
        console, _ = _listener(quiet=False)
        names = [study] if study else known_studies(home)
        if not names and not as_json:
            print(f"No study was begun under {home}.")
        for name in names:
            found = overview(home, name)
            print(json.dumps(found)) if as_json else _print_overview(found, console)


@app.command()
def report(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that was begun, see `status`.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, STUDY.html here.")] = None,
    verbose: Verbose = False,
) -> None:
    """Write one HTML file that needs no network: the front, the trials, the evidence, where it all came from."""
    with _sentences(verbose):
        from dashboards.core.page import write_report
        from tuning.session import default_home

        print(write_report(default_home(), study, out or Path(f"{study}.html")))


@app.command()
def confirm(
    study: StudyName,
    top: Annotated[int, typer.Option(min=1, help="Members of the front.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, help="Fresh seeds for each.")] = 2,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Train the front's members again with fresh seeds and test them on the locked holdout."""
    with _sentences(verbose):
        _require_study(study)
        from tuning.confirm import confirm as confirm_
        from tuning.study_runner import Runner
        from tuning.terminal import evidence_table

        console, listener = _listener(quiet=as_json)
        with Runner(study, listener, data_root=data_root, verbose=verbose, begun=True) as runner:
            found = confirm_(runner, top=top, seeds=seeds)
        if as_json:
            for row in found:
                print(json.dumps(dataclasses.asdict(row)))
        else:
            console.print(evidence_table(found))


@app.command()
def promote(
    study: StudyName,
    trial: Annotated[str | None, typer.Option(help="This search trial instead of the recommended one.")] = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Confirm where evidence is missing, refit, register the model and make it the champion."""
    with _sentences(verbose):
        _require_study(study)
        from tuning.study_runner import Runner

        console, listener = _listener(quiet=as_json)
        with Runner(study, listener, data_root=data_root, verbose=verbose, begun=True) as runner:
            promoted = _promote(runner, trial, console, as_json)
        if as_json:
            print(json.dumps({"model": promoted.name, "version": promoted.version, "uri": promoted.uri}))


@app.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(help="Videos, frame folders, images, or folders of clips.")],
    model: Annotated[str | None, typer.Option(help="models:/NAME@champion; without it the only champion.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Classify clips with a registered model."""
    with _sentences(verbose):
        from tuning import promotion
        from tuning.session import default_home
        from tuning.tracking import default_uri

        uri = default_uri(default_home())
        chosen = model or promotion.only_champion(uri)
        failed = False
        for row in promotion.predict(chosen, uri, paths):
            failed = failed or bool(row["error"])
            print(_prediction_json(row, chosen) if as_json else _prediction_words(row))
        if failed:
            raise typer.Exit(1)


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(metavar="{studies,trainables,datasets}")],
    as_json: AsJson = False,
) -> None:
    """What there is: every file of an extension folder."""
    with _sentences(False):
        from trainables.core.lookup import names, unknown

        packages = {"studies": "search_spaces", "trainables": "trainables", "datasets": "trainables.data"}
        if what not in packages:
            raise ValueError(unknown("list", what, list(packages)))
        for name in names(packages[what]):
            print(json.dumps({"name": name}) if as_json else name)


def _prediction_json(row: dict[str, Any], model: str) -> str:
    if row["error"]:
        return json.dumps({"path": row["path"], "error": row["error"]})
    return json.dumps({key: row[key] for key in ("path", "label", "probabilities")} | {"model": model})


def _prediction_words(row: dict[str, Any]) -> str:
    if row["error"]:
        return f"{row['path']}: error: {row['error']}"
    return f"{row['path']}: {row['label']} ({100 * row['probabilities'][row['label']]:.1f} %)"


def _main_job(verbose: bool) -> None:
    from tuning.study_runner import Runner
    from tuning.tracking import shown_uri

    console, listener = _listener(quiet=False)
    with Runner("demo", listener, verbose=verbose) as runner:
        runner.search(runner.search_size(None, resume=True, extend=None))
        _print_front(runner.ledger, runner.study, console, as_json=False)
        promoted = _promote(runner, None, console, as_json=False)
    example = next((runner.home / "drawn" / "demo").glob("*/*"))
    listener.say("")
    listener.say("What next:")
    listener.say(f"  .venv/bin/python tune.py predict {example} --model {promoted.uri}")
    listener.say("  .venv/bin/python tune.py report demo")
    listener.say(f"  .venv/bin/mlflow ui --backend-store-uri {shown_uri(runner.tracker.uri)}")
    listener.say("      and compare the runs of fertune/demo")
    listener.say(f"  Ray's dashboard is at {DASHBOARD} while a study runs")
    _say_unwritten(runner.tracker, console)


def _promote(runner: Any, trial: str | None, console: Console, as_json: bool) -> Any:
    from tuning.evidence import evidence
    from tuning.gate import promote as promote_
    from tuning.terminal import evidence_table, interval, percent

    try:
        promoted = promote_(runner, trial_id=trial)
    finally:
        found = evidence(runner.ledger)
        if found and not as_json:
            console.print(evidence_table(found))
    if not as_json:
        accuracy = promoted.evidence.accuracy
        console.print(
            f"Promoted {promoted.evidence.trial_id} as {promoted.name} version {promoted.version} ({promoted.uri}): "
            f"{percent(accuracy.mean)} on the holdout people ({interval(accuracy)}).",
            soft_wrap=True,
            highlight=False,
        )
    return promoted


def _print_front(ledger: Ledger, study: Any, console: Console, as_json: bool) -> None:
    from tuning.overview import front_json
    from tuning.terminal import front_table

    front = [ledger.trials[trial_id] for trial_id in ledger.selection.get("front", [])]
    recommended = ledger.selection.get("recommended")
    if as_json:
        for trial in front:
            print(json.dumps(front_json(trial, recommended)))
    elif front:
        console.print(front_table(front, study.objectives, recommended))
    else:
        failed = next((trial for trial in ledger.of_phase("search") if trial.error), None)
        because = f" The first error: {failed.trial_id}: {failed.error}" if failed else ""
        print(f"No trial finished, so there is no front.{because}", file=sys.stderr)


def _print_overview(found: dict[str, Any], console: Console) -> None:
    console.print(f"{found['study']}", style="bold", highlight=False)
    for phase, states in found["trials"].items():
        listed = ", ".join(f"{count} {state.lower()}" for state, count in states.items())
        console.print(f"  {phase}: {listed}", highlight=False)
    if found["recommended"]:
        console.print(f"  front: {', '.join(found['front'])}; recommended {found['recommended']}", highlight=False)
    for promoted in found["promoted"]:
        console.print(f"  promoted: {promoted['name']} version {promoted['version']}", highlight=False)


def _say_unwritten(tracker: Any, console: Console) -> None:
    from tuning.tracking import shown_uri

    if tracker.unwritten:
        console.print(
            f"MLflow at {shown_uri(tracker.uri)} did not take {tracker.unwritten} events ({tracker.error}). "
            "They are kept in the ledger; the next command on this study writes them.",
            soft_wrap=True,
        )


def _listener(*, quiet: bool) -> tuple[Console, Any]:
    """A console and a listener on it; with `quiet`, what is said goes to standard error and leaves the data alone."""
    from rich.console import Console

    from tuning.terminal import TerminalListener

    console = Console(stderr=quiet)
    if not console.is_terminal:
        console = Console(stderr=quiet, width=150)
    return console, TerminalListener(console)


def _require_study(name: str) -> None:
    """An unknown name is answered before anything heavy is imported."""
    from trainables.core.lookup import UnknownName, names, unknown

    if name not in names("search_spaces"):
        raise UnknownName(unknown("study", name, names("search_spaces")))


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.replace(".", "", 1).isdigit():
        raise ValueError(f"{text!r} is no length of time; allowed are numbers with a unit, such as 90s, 30m, 2h or 1d.")
    return float(number) * units[unit]


@contextmanager
def _sentences(verbose: bool) -> Any:
    """Whatever a person did wrong ends in a sentence and exit code 2; `--verbose` shows where."""
    try:
        yield
    except typer.Exit:  # a RuntimeError too
        raise
    except KeyboardInterrupt as interruption:
        why = f" ({interruption})" if str(interruption) else ""
        print(f"Interrupted{why}. What was done is kept; `run STUDY --resume` goes on with a search.", file=sys.stderr)
        raise typer.Exit(130) from None
    except (ValueError, RuntimeError, OSError) as error:
        if verbose:
            raise
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
