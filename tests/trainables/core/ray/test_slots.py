"""The slots of a study: how many there are, which go home, what becomes of one that ends."""

import socket
from types import SimpleNamespace

import pytest

from tests.support.ray_head import wait_until
from trainables.core.ray import slots as module
from trainables.core.ray.slots import SlotPlan, Slots, is_gone

PLAN = SlotPlan(run_name="demo", storage="/nowhere")


class FakeSlot:
    """A slot without Ray: it lives until it is told to `stop`."""

    def __init__(self, plan, queue):
        self.plan, self.name, self.error, self.alive = plan, f"slot-{len(made)}", "", True
        self.thread = SimpleNamespace(is_alive=lambda: self.alive, join=lambda timeout: None)
        made.append(self)

    def stop(self, error=""):
        self.alive, self.error = False, error

    def end(self):
        self.alive = False


made: list[FakeSlot] = []
ALL = SimpleNamespace(allowed=lambda held, wanted: wanted, waits_for="")


class Queue:
    """Keeps what it is told; `served` are the slots that had a trial."""

    def __init__(self):
        self.kept, self.ended_with, self.served, self.placing = [], [], set(), True
        self.keep = SimpleNamespace(remote=self._keep)
        self.ended = SimpleNamespace(remote=self._ended)
        self.close = SimpleNamespace(remote=lambda: None)

    def _keep(self, number, former):
        self.kept.append((number, list(former)))
        return [slot.name for slot in living()] if self.placing else []

    def _ended(self, name, reason, own):
        self.ended_with.append((name, reason, own))
        return name in self.served


@pytest.fixture
def ray(monkeypatch):
    """Nodes that live, a clock, and a queue that is an object."""
    made.clear()
    scene = SimpleNamespace(nodes=[{"Alive": True}], now=0.0, queue=Queue())
    monkeypatch.setattr(module, "_Slot", FakeSlot)
    monkeypatch.setattr(module, "_new_queue", lambda name, max_attempts: scene.queue)
    monkeypatch.setattr(module.ray, "nodes", lambda: scene.nodes)
    monkeypatch.setattr(module.ray, "get", lambda answer, timeout=None: answer)
    monkeypatch.setattr(module.time, "monotonic", lambda: scene.now)
    return scene


def living():
    return [slot for slot in made if slot.alive]


def test_as_many_are_opened_as_are_wanted_and_they_live_on_from_phase_to_phase(ray):
    slots = Slots(ALL, name="demo")
    slots.want(2, PLAN)
    slots.want(0)
    ray.now += module.IDLE_S - 1
    slots._tick()
    assert ray.queue.kept[-1] == (2, [])
    slots.want(3, PLAN)
    assert len(made) == 3
    assert slots.granted == 3


def test_those_of_which_nobody_has_need_for_a_while_go_home(ray):
    slots = Slots(ALL, name="demo")
    slots.want(2, PLAN)
    slots.want(1)
    slots._tick()
    assert ray.queue.kept[-1] == (2, [])
    ray.now += module.IDLE_S + 1
    slots._tick()
    assert ray.queue.kept[-1] == (1, [])
    made[0].stop()
    slots._tick()
    assert len(living()) == 1
    assert slots.trouble == ""


def test_one_that_died_is_followed_by_another_and_its_trial_is_no_worse_for_it(ray):
    slots = Slots(ALL, name="demo")
    slots.want(2, PLAN)
    ray.queue.served = {slot.name for slot in made}
    for _ in range(module.MOST_STARTS + 1):
        slot = living()[0]
        ray.queue.served.add(slot.name)
        slot.stop("The actor died.\nIts owner has died.")
        slots._tick()
        assert len(living()) == 2
        name, reason, own = ray.queue.ended_with[-1]
        assert (name, own) == (slot.name, False)
        assert "Its owner has died." in reason
    assert slots.trouble == ""


def test_where_none_ever_gets_to_a_trial_it_is_given_up_with_the_reason(ray):
    slots = Slots(ALL, name="demo")
    slots.want(1, PLAN)
    for _ in range(module.MOST_STARTS):
        assert slots.trouble == ""
        living()[0].stop("No module named cv2")
        slots._tick()
    assert "No module named cv2" in slots.trouble
    assert living() == []
    slots.want(1, PLAN)
    assert slots.trouble == "", "a next phase tries again"


def test_where_others_have_a_slot_one_that_cannot_be_had_is_no_trouble_and_is_not_tried_for_ever(ray):
    slots = Slots(ALL, name="demo")
    slots.want(2, PLAN)
    slots._tick()
    for _ in range(module.MOST_STARTS):
        living()[-1].stop("n2 does not see /runs/demo/ray")
        slots._tick()
    assert (slots.trouble, len(living()), slots.granted) == ("", 1, 1)
    living()[0].stop()
    slots._tick()
    assert "n2 does not see" in slots.trouble


def test_a_study_that_ray_has_no_place_for_says_what_it_waits_for(ray):
    slots = Slots(ALL, name="demo")
    ray.queue.placing = False
    slots.want(1, PLAN)
    ray.now += module.UNPLACED_S - 1
    slots._tick()
    assert slots.waits_for == ""
    ray.now += 2
    slots._tick()
    assert slots.waits_for == "The study waits for a place of 1 x 1 CPU; `ray status` shows what Ray has"
    assert slots.trouble == ""
    ray.queue.placing = True
    slots._tick()
    slots._tick()
    assert slots.waits_for == ""


def test_slots_that_cannot_be_looked_after_any_more_end_the_study_with_the_reason(ray, monkeypatch):
    def refuse(*given):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "TICK_S", 0.001)
    slots = Slots(ALL, name="demo")
    monkeypatch.setattr(slots, "_tick", refuse)
    with slots:
        wait_until(lambda: slots.trouble)
    assert "can't start new thread" in slots.trouble


def test_another_size_of_trial_forms_them_anew(ray):
    slots = Slots(ALL, name="demo")
    slots.want(2, PLAN)
    former = [slot.name for slot in made]
    pair = SlotPlan(run_name="demo", storage="/nowhere", workers=2)
    slots.want(1, pair)
    assert ray.queue.kept[-1][1] == former
    assert [slot.plan for slot in made[2:]] == [pair]
    slots._tick()
    assert ray.queue.kept[-1][1] == former
    assert len(made) == 3, "no more than are wanted"


def test_what_others_are_due_is_given_back_and_taken_when_it_is_free(ray):
    share = SimpleNamespace(allowed=lambda held, wanted: min(share.most, wanted), most=0)
    slots = Slots(share, name="demo")
    slots.want(2, PLAN)
    assert (made, slots.granted) == ([], 0)
    share.most = 2
    slots._tick()
    assert len(made) == 2
    share.most = 1
    slots._tick()
    assert ray.queue.kept[-1] == (1, []), "at once"
    assert slots.granted == 1


def test_the_share_hears_of_those_with_workers_and_what_is_still_opened_is_given_back_first(ray):
    heard = []

    def allowed(held, wanted):
        heard.append((held, wanted))
        return share.most

    share = SimpleNamespace(allowed=allowed, most=2)
    slots = Slots(share, name="demo")
    ray.queue.placing = False
    slots.want(2, PLAN)
    slots._tick()
    assert heard == [(0, 2), (0, 2)]
    share.most = 1
    slots._tick()
    assert len(living()) == 1, "one that has no workers yet is ended"
    ray.queue.placing = True
    slots._tick()
    slots._tick()
    assert heard[-1] == (1, 2)
    assert len(living()) == 1
    assert slots.trouble == ""


def test_a_ray_without_machines_is_lost_and_nothing_is_opened_in_it(ray):
    slots = Slots(ALL, name="demo")
    ray.nodes = [{"Alive": False}]
    slots.want(2, PLAN)
    assert slots.lost
    assert made == []


def test_at_the_end_those_that_do_not_go_home_are_ended(ray):
    slots = Slots(ALL, name="demo")
    slots.want(2, PLAN)
    slots._closing.set()
    with slots:
        pass
    assert living() == []


def test_a_machine_is_there_while_the_ray_on_it_answers(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        node = {"NodeID": "n", "Alive": True, "NodeManagerAddress": "127.0.0.1"}
        node["NodeManagerPort"] = server.getsockname()[1]
        monkeypatch.setattr(module.ray, "nodes", lambda: [node])
        assert not is_gone("n")
        assert is_gone("another")
        node["Alive"] = False
        assert is_gone("n")
        node["Alive"] = True
    assert is_gone("n")
