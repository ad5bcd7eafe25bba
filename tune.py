"""fertune's command line, and the entrypoint of a Ray job. `python tune.py` alone runs the whole main job."""

from __future__ import annotations

import dataclasses
import errno
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


# Nothing heavy is imported here: `--help` and `list` answer at once.
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
    folds: Annotated[str | None, typer.Option(help="Of an ablation: `all`, or such as 0,1.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Of an ablation, for each variant and fold.")] = None,
    table: Annotated[Path | None, typer.Option(help="Of an ablation: write its table (.csv, .md, .tex).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study that was begun.")] = False,
    extend: Annotated[int | None, typer.Option(min=1, help="So many search trials more.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="The whole way in seconds, to see that it works.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what it will cost, and spend nothing.")] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run, resume or extend a study: a search, or an ablation."""
    with _sentences(verbose):
        _require_study(study)
        chosen, seconds = _folds(folds), _seconds(time_budget) if time_budget else None
        from search_spaces.core.study import load_study
        from tuning.ablation import NUM_SEEDS
        from tuning.session import default_home
        from tuning.study_runner import Placement, Runner

        loaded = load_study(study).smoked() if smoke else load_study(study)
        num_seeds = seeds or (1 if smoke else NUM_SEEDS)
        _require_fitting(loaded, num_samples=num_samples, extend=extend, folds=folds, seeds=seeds, table=table)
        if dry_run:
            from tuning.forecast import dry_run as forecast

            found = forecast(
                loaded,
                default_home(),
                num_samples=num_samples,
                folds=chosen,
                seeds=num_seeds,
                data_root=data_root,
                workers=workers_per_trial,
            )
            for line in [json.dumps(dataclasses.asdict(found))] if as_json else found.sentences():
                print(line)
            return
        placement = Placement(
            workers=workers_per_trial,
            cpus_per_worker=cpus_per_worker,
            gpus_per_worker=gpus_per_worker,
            max_concurrent=max_concurrent,
        )
        console, listener = _listener(quiet=as_json)
        runner = Runner(loaded, listener, data_root=data_root, placement=placement, verbose=verbose)
        if loaded.design is None:
            with runner:
                samples = runner.search_size(num_samples, resume=resume, extend=extend)
                runner.search(samples, time_budget_s=seconds)
            _end_search(runner, console, listener, as_json)
        else:
            from tuning.ablation import require_new_or_resumed, run_ablation

            with runner:
                require_new_or_resumed(runner, resume=resume)
                run_ablation(runner, folds=chosen, seeds=num_seeds, time_budget_s=seconds)
            _end_ablation(runner, console, listener, table, as_json)


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
            found = {"folder": str(prepared.folder), "kept": len(prepared), "dropped": dropped}
            print(json.dumps(found | {"notes": list(prepared.notes), "drawn": prepared.drawn}))
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
        from tuning.session import default_home, elsewhere
        from tuning.terminal import print_overview

        home = default_home()
        console, _ = _listener(quiet=False)
        names = [study] if study else known_studies(home)
        if not names and not as_json:
            print(f"No study was begun under {home}.{elsewhere(home)}")
        for name in names:
            found = overview(home, name)
            print(json.dumps(found)) if as_json else print_overview(found, console)


@app.command()
def stop(study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that runs, see `status`.")]) -> None:
    """Stop a study that runs, from another shell; its state is saved, and `run STUDY --resume` goes on."""
    with _sentences(False):
        from tuning.session import default_home
        from tuning.stopping import stop as stop_

        print(f"Stopped {study}: {stop_(default_home(), study)} has ended. `run {study} --resume` goes on.")


@app.command()
def logs(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that was begun, see `status`.")],
    trial: Annotated[str | None, typer.Argument(metavar="[TRIAL]", help="One trial; all events without.")] = None,
) -> None:
    """What happened in a study, or the words of one trial: its curve, its metrics, its error."""
    with _sentences(False):
        from tuning.session import default_home
        from tuning.words import words

        for line in words(default_home(), study, trial):
            print(line)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """What is wrong with this machine or cluster, and the mend."""
    with _sentences(False):
        from tuning.doctor import examine

        findings = examine()
        for finding in findings:
            if as_json:
                print(json.dumps(dataclasses.asdict(finding)))
            else:
                print(f"{'mend' if finding.mend else 'ok':<5} {finding.name}: {finding.found}")
                if finding.mend:
                    print(f"      {finding.mend}")
        if any(finding.mend for finding in findings):
            raise typer.Exit(1)


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
    margin: Annotated[float, typer.Option(min=0, max=1, help="What a cheaper challenger may lose.")] = 0.02,
    rollback: Annotated[bool, typer.Option("--rollback", help="Restore the champion before this one.")] = False,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Confirm where evidence is missing, refit, register the model and make it the champion."""
    with _sentences(verbose):
        _require_study(study)
        if rollback:
            _roll_back(study, as_json)
            return
        from tuning.study_runner import Runner

        console, listener = _listener(quiet=as_json)
        with Runner(study, listener, data_root=data_root, verbose=verbose, begun=True) as runner:
            promoted = _promote(runner, trial, console, as_json, margin=margin)
        if as_json:
            verdict = dataclasses.asdict(promoted.verdict) if promoted.verdict else None
            named = {"model": promoted.name, "version": promoted.version, "uri": promoted.uri}
            print(json.dumps(named | {"verdict": verdict, "evidence_sha256": promoted.evidence_sha256}))


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
        from tuning.terminal import prediction_json, prediction_words
        from tuning.tracking import default_uri

        uri = default_uri(default_home())
        chosen = model or promotion.only_champion(uri)
        failed = False
        for row in promotion.predict(chosen, uri, paths):
            failed = failed or bool(row["error"])
            print(prediction_json(row, chosen) if as_json else prediction_words(row))
        if failed:
            raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    model: Annotated[str | None, typer.Option(help="models:/NAME@champion; without it the only champion.")] = None,
    format: Annotated[str, typer.Option(help="onnx")] = "onnx",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Write a registered model to a file for the edge, checked against the model, and measure it."""
    with _sentences(verbose):
        from tuning.exporting import export_model
        from tuning.session import default_home
        from tuning.terminal import exported_words

        exported = export_model(model, default_home(), out, format)
        print(json.dumps(dataclasses.asdict(exported), default=str) if as_json else exported_words(exported))


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


def _main_job(verbose: bool) -> None:
    from tuning.study_runner import Runner
    from tuning.terminal import print_front, say_next

    console, listener = _listener(quiet=False)
    with Runner("demo", listener, verbose=verbose) as runner:
        runner.search(runner.search_size(None, resume=True, extend=None))
        print_front(runner.ledger, runner.study.objectives, console, as_json=False)
        promoted = _promote(runner, None, console, as_json=False)
    example = next((runner.home / "drawn" / "demo").glob("*/*"))
    commands = [f"predict {example} --model {promoted.uri}", "report demo"]
    say_next(runner.home, runner.tracker, listener, commands)


def _end_search(runner: Any, console: Console, listener: Any, as_json: bool) -> None:
    from tuning.terminal import print_front, say_next

    print_front(runner.ledger, runner.study.objectives, console, as_json=as_json)
    name = runner.study.name
    commands = [f"report {name}"] if runner.study.is_smoke else [f"promote {name}", f"report {name}"]
    say_next(runner.home, runner.tracker, listener, commands)
    if not runner.ledger.selection.get("front"):
        raise typer.Exit(1)


def _end_ablation(runner: Any, console: Console, listener: Any, table: Path | None, as_json: bool) -> None:
    from tuning import ablation_table
    from tuning.ablation import comparison_of, published_of, runs_of
    from tuning.paired_runs import OneFold
    from tuning.terminal import say_next

    try:
        found = comparison_of(runner.ledger)
    except OneFold as reason:
        console.print(ablation_table.summary_table(runs_of(runner.ledger), published_of(runner.ledger)))
        listener.say(str(reason))
    else:
        if as_json:
            for variant in found.variants:
                print(json.dumps(dataclasses.asdict(variant)))
        else:
            console.print(ablation_table.terminal_table(found))
            for line in ablation_table.sentences(found):
                listener.say(line)
        if table is not None:
            ablation_table.write(found, table)
            listener.say(f"The table: {table}")
    say_next(runner.home, runner.tracker, listener, [f"report {runner.study.name}"])


def _roll_back(study: str, as_json: bool) -> None:
    from search_spaces.core.study import load_study
    from tuning.gate import name_promoted
    from tuning.ledger import Ledger
    from tuning.promotion import rollback
    from tuning.session import default_home
    from tuning.tracking import default_uri

    home = default_home()
    name = name_promoted(Ledger.read(home / study), load_study(study).registered_model)
    version = rollback(default_uri(home), name)
    print(
        json.dumps({"model": name, "version": version}) if as_json else f"{name}: version {version} is champion again."
    )


def _promote(runner: Any, trial: str | None, console: Console, as_json: bool, margin: float = 0.02) -> Any:
    from tuning.evidence import evidence
    from tuning.gate import promote as promote_
    from tuning.terminal import evidence_table, interval, percent

    try:
        promoted = promote_(runner, trial_id=trial, margin=margin)
    finally:
        found = evidence(runner.ledger)
        if found and not as_json:
            console.print(evidence_table(found))
    if not as_json:
        if promoted.verdict is not None:
            console.print(promoted.verdict.reason, soft_wrap=True, highlight=False)
        accuracy = promoted.evidence.accuracy
        console.print(
            f"Promoted {promoted.evidence.trial_id} as {promoted.name} version {promoted.version} ({promoted.uri}): "
            f"{percent(accuracy.mean)} on the holdout people ({interval(accuracy)}).",
            soft_wrap=True,
            highlight=False,
        )
    return promoted


def _listener(*, quiet: bool) -> tuple[Console, Any]:
    """A console and a listener on it; with `quiet`, what is said goes to standard error and leaves the data alone."""
    from rich.console import Console

    from tuning.terminal import TerminalListener

    console = Console(stderr=quiet)
    if not console.is_terminal:
        console = Console(stderr=quiet, width=150)
    return console, TerminalListener(console)


def _folds(text: str | None) -> tuple[int, ...] | None:
    if text is None or text == "all":
        return None
    parts = text.split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise ValueError(f"--folds was given as {text!r}; allowed are `all` and numbers such as 0,1.")
    return tuple(int(part) for part in parts)


def _require_fitting(study: Any, **given: Any) -> None:
    """An option of the other kind of study is no use, and would be passed over in silence."""
    kinds = {True: ("ablation", ("folds", "seeds", "table")), False: ("search", ("num_samples", "extend"))}
    kind, _ = kinds[study.design is not None]
    other, foreign = kinds[study.design is None]
    for name in foreign:
        if given[name] is not None:
            option = name.replace("_", "-")
            raise ValueError(f"Study {study.name} is {_a(kind)}; --{option} is an option of {_a(other)}.")


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


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
        print(f"Error: {_sentence(error)}", file=sys.stderr)
        raise typer.Exit(2) from None


def _sentence(error: Exception) -> str:
    """What went wrong; for a file that the system refused, which one, why, and what helps."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    full = "Free some space, or set $FERTUNE_HOME to a folder on another disk; --resume then goes on."
    no_folder = "What studies leave is written under $FERTUNE_HOME; is it a folder that can be made?"
    helps = {
        errno.ENOSPC: full,
        errno.EDQUOT: full,
        errno.EROFS: "Set $FERTUNE_HOME to a folder that can be written.",
        errno.EACCES: "Give this user access; what studies leave is written under $FERTUNE_HOME.",
        errno.ENOENT: no_folder,
        errno.ENOTDIR: no_folder,
    }
    return f"{place}{error.strerror or error}. {helps.get(error.errno, '')}".rstrip()


if __name__ == "__main__":
    app()
