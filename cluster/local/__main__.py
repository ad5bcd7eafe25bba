"""`python -m cluster.local up | down | status | env`: jobs on this machine that need no terminal to go on."""

from __future__ import annotations

import json
import shlex
from typing import Annotated

import typer

from cluster.local import metrics, parts, service
from cluster.local.service import Service
from tuning.execution.signals import interruptible
from tuning.records.home import default_home
from tuning.text.errors import Verbose, read_only, reporting_errors

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """One machine as a service: a Ray head with its dashboard and an MLflow server, on loopback, with passwords."""


@app.command()
def up(
    ray_port: Annotated[
        int | None, typer.Option(min=1024, max=65535, envvar="FERTUNE_RAY_PORT", help="Port of Ray; default: 6379.")
    ] = None,
    dashboard_port: Annotated[
        int | None,
        typer.Option(
            min=1024, max=65535, envvar="FERTUNE_DASHBOARD_PORT", help="Port of the dashboard; default: 8265."
        ),
    ] = None,
    mlflow_port: Annotated[
        int | None,
        typer.Option(min=1024, max=65535, envvar="FERTUNE_MLFLOW_PORT", help="Port of MLflow; default: 5000."),
    ] = None,
    prometheus_port: Annotated[
        int | None,
        typer.Option(
            min=1024, max=65535, envvar="FERTUNE_PROMETHEUS_PORT", help="Port of Prometheus; default: 9090, if free."
        ),
    ] = None,
    num_cpus: Annotated[int | None, typer.Option(min=0, help="CPUs that Ray may use; default: all.")] = None,
    num_gpus: Annotated[int | None, typer.Option(min=0, help="GPUs that Ray may use; default: all.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait until both answer.")] = 240.0,
    verbose: Verbose = False,
) -> None:
    """Start the servers that are not up, wait until they answer, print their addresses and how to submit a job.

    Prometheus is one of them where it is installed. Logs that have grown large are turned over.
    """
    wanted = {"ray": ray_port, "dashboard": dashboard_port, "mlflow": mlflow_port, "prometheus": prometheus_port}
    with reporting_errors(verbose), interruptible():
        found = service.up(
            default_home(),
            _say,
            wanted={name: port for name, port in wanted.items() if port is not None},
            num_cpus=num_cpus,
            num_gpus=num_gpus,
            patience_s=timeout,
        )
        _print(found)


@app.command()
def down(verbose: Verbose = False) -> None:
    """Stop running jobs, Ray and MLflow; runs, models and passwords stay."""
    with reporting_errors(verbose), interruptible():
        if not service.down(default_home(), _say):
            _say(f"Nothing of the service under {default_home()} is running.")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print data for a script.")] = False, verbose: Verbose = False
) -> None:
    """Show which servers answer. Exit code 1: not all of them do."""
    with read_only(verbose):
        found = service.status(default_home())
        if as_json:
            print(json.dumps(_as_data(found)))
        elif found is None:
            _say(f"The service under {default_home()} is down.")
        else:
            _print(found)
        if found is None or not all(found.healthy.values()):
            raise typer.Exit(1)


@app.command()
def env(verbose: Verbose = False) -> None:
    """Print the variables that reach the service, passwords included: `eval "$(python -m cluster.local env)"`."""
    with read_only(verbose):
        found = service.status(default_home())
        if found is None:
            raise service.ServiceError(f"The service under {default_home()} is down: run `up` first.")
        for key, value in found.environment.items():
            print(f"export {key}={shlex.quote(value)}")


def _print(found: Service) -> None:
    state = {name: "" if answers else "  DOES NOT ANSWER" for name, answers in found.healthy.items()}
    _say(f"Ray dashboard  {found.dashboard_url}  (token: {found.folder / parts.TOKEN_FILE}){state['ray']}")
    _say(
        f"MLflow         {found.mlflow_url}  (user {parts.USER}, password: {found.folder / 'service.json'}){state['mlflow']}"
    )
    if metrics.NAME in found.healthy:
        _say(f"Prometheus     {found.prometheus_url}  (of Ray and this machine){state[metrics.NAME]}")
    _say(f"Submit a job   {found.submit_command}")


def _as_data(found: Service | None) -> dict[str, object]:
    if found is None:
        return {"up": False}
    more = {"url": found.prometheus_url, "healthy": found.healthy.get(metrics.NAME)}
    return {
        "up": all(found.healthy.values()),
        "ray": {"url": found.dashboard_url, "healthy": found.healthy["ray"]},
        "mlflow": {"url": found.mlflow_url, "healthy": found.healthy["mlflow"]},
        "submit": found.submit_command,
        **({metrics.NAME: more} if metrics.NAME in found.healthy else {}),
    }


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    app(prog_name="python -m cluster.local")
