"""The keeper of turns on a real cluster: two studies, its death, and its end behind the last study."""

import pytest
import ray

from tests.support.ray_head import WITH_RAY, ray_head, wait_until
from tuning.execution.sharing.keeper import NAME, NAMESPACE, RayLine, studies_of_cluster
from tuning.execution.sharing.key import StudyKey
from tuning.execution.sharing.share import Share
from tuning.execution.sharing.shares import SlotNeed


@pytest.fixture(scope="module")
def joined():
    with ray_head("--num-cpus=2") as head:
        ray.init(address=head.address, log_to_driver=False, logging_level="ERROR")
        try:
            yield head
        finally:
            ray.shutdown()


class TestOnRay:
    pytestmark = WITH_RAY

    def test_two_studies_share_two_cpus_and_leave_nothing(self, joined):
        def share(study):
            return Share(StudyKey(home="home", study=study), priority="high", slot=SlotNeed(), line=RayLine())

        assert studies_of_cluster() == []
        with share("first") as first:
            wait_until(lambda: first.allowed(0, 2) == 2, 60)
            with share("second") as second:
                wait_until(lambda: second.allowed(0, 2) == 0 and first.allowed(2, 2) == 1, 30)
                wait_until(lambda: second.waits_for.startswith("waits for a slot (1 CPU) behind first ("), 30)
                standing = {one["study"]: one for one in studies_of_cluster()}
                assert [standing[name]["held"] for name in ("first", "second")] == [2, 0]
                assert standing["second"]["priority"] == "high"
                ray.kill(ray.get_actor(NAME, NAMESPACE), no_restart=False)  # what it knew is lost
                wait_until(lambda: first.allowed(1, 2) == 1 and second.allowed(0, 2) == 1, 60)
        wait_until(lambda: not _keepers(), 30)


def _keepers():
    return [one for one in ray.util.list_named_actors(all_namespaces=True) if one["name"] == NAME]
