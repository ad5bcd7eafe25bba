"""fertune in Python: every verb of the command line as a function. `import fertune`

They return data and print nothing; `progress=True` shows bars. `study` is the name of a file of `search_spaces/` or a
`Study` made on the spot; `home` is where everything a study leaves lies, by default `$FERTUNE_HOME`, else `./runs`.

    import fertune

    fertune.run("demo", progress=True)
    fertune.load("demo").front

Each is a file of `tuning/` (`report` one of `dashboards/core/`), read when it is first used: this import costs nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainables.core import lookup

if TYPE_CHECKING:
    from dashboards.core.page import report
    from search_spaces.core.study import Objective, Study, load_study
    from tuning.ablate import ablate
    from tuning.confirm import confirm
    from tuning.cross_validate import cross_validate, plan_cross_validation
    from tuning.demo import demo
    from tuning.doctor import doctor
    from tuning.execution.devices.placement import Placement
    from tuning.export import export
    from tuning.forget import forget, plan_forgetting
    from tuning.list import list
    from tuning.load import load
    from tuning.logs import logs
    from tuning.models import models
    from tuning.overview import overview
    from tuning.plan import plan
    from tuning.predict import predict
    from tuning.prepare import prepare
    from tuning.promote import promote
    from tuning.prune import plan_prune, prune
    from tuning.remove import plan_removal, remove
    from tuning.rollback import rollback
    from tuning.run import run
    from tuning.status import status
    from tuning.stop import stop
    from tuning.submit import submit

_ELSEWHERE = {
    "Objective": "search_spaces.core.study",
    "Placement": "tuning.execution.devices.placement",
    "Study": "search_spaces.core.study",
    "load_study": "search_spaces.core.study",
    "plan_cross_validation": "tuning.cross_validate",
    "plan_forgetting": "tuning.forget",
    "plan_prune": "tuning.prune",
    "plan_removal": "tuning.remove",
    "report": "dashboards.core.page",
}

__all__ = [
    "Objective",
    "Placement",
    "Study",
    "ablate",
    "confirm",
    "cross_validate",
    "demo",
    "doctor",
    "export",
    "forget",
    "list",
    "load",
    "load_study",
    "logs",
    "models",
    "overview",
    "plan",
    "plan_cross_validation",
    "plan_forgetting",
    "plan_prune",
    "plan_removal",
    "predict",
    "prepare",
    "promote",
    "prune",
    "remove",
    "report",
    "rollback",
    "run",
    "status",
    "stop",
    "submit",
]


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE and name not in lookup.names("tuning"):
        raise AttributeError(f"module 'fertune' has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE.get(name, f"tuning.{name}")), name)


def __dir__() -> Sequence[str]:
    return __all__
