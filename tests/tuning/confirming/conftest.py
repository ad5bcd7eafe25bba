"""A home whose champion was promoted by the study `one`, and studies that race beside it."""

import pytest

from tests.support.hand_runner import DEVICE, HandRunner, hand_store
from tests.tuning.confirming.beside_champion import SKILLS
from trainables.core import files
from tuning.confirming import kept_trainings
from tuning.promote import promote_winner
from tuning.records.kept import store as kept


@pytest.fixture
def next_device(monkeypatch):
    """The kind of device that the next trial gets."""
    kind = {"now": DEVICE}
    monkeypatch.setattr(kept_trainings, "device_kind", lambda *_: kind["now"])
    return kind


@pytest.fixture(scope="module")
def champion_home(tmp_path_factory):
    """A home whose champion was promoted by the study `one`."""
    made = hand_store(tmp_path_factory.mktemp("home"))
    with HandRunner("one", SKILLS, registered="task", **made) as runner:
        runner.ledger.open_study(concurrency=3, dataset_fingerprint=runner.prepared.fingerprint)
        runner.splits.save(runner.folder / files.SPLITS)
        promote_winner(runner.search(*SKILLS))
    return made


@pytest.fixture
def beside(champion_home, request):
    """Begins studies beside that champion; what they kept is gone afterwards."""
    home = champion_home["home"]
    before = {path: path.read_bytes() for path in kept.kept_files(home)}
    opened = []

    def begun(name="two", skills=None, **changes):
        skills = skills or {16: 0.85}
        runner = HandRunner(
            f"{request.node.name}-{name}", {**SKILLS, **skills}, registered="task", **{**champion_home, **changes}
        )
        opened.append(runner)
        return runner.search(*skills)

    yield begun
    for runner in opened:
        runner.ledger.close()
    for path in kept.kept_files(home):
        path.unlink()
    for path, content in before.items():
        path.write_bytes(content)
