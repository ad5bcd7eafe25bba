"""Who may hold how many slots of a cluster now, told anew at every beat of every study (docs/decisions/0037).

No Ray and no clock: `now` is given, in seconds. Nothing but the standard library is imported, see `shares.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tuning.execution.sharing.shares import WEIGHTS, Amount, Claim, SlotNeed, fair_shares, total
from tuning.execution.sharing.usage import Usage
from tuning.execution.sharing.words import waits_for

SILENT_S = 30.0  # without a beat, after which a study is dropped
SETTLE_S = 3.0  # in which all studies have beaten: before that nobody is given more than it holds
GRACE_S = 20.0  # in which nobody takes a new slot away, so that a trial begins in it
STRETCH_S = 60.0  # in which a slot is left to a study, unless somebody waits who had none in the window
STUCK_S = 60.0  # in which a slot that is allowed is placed by Ray
ASIDE_S = 600.0  # in which nobody makes room for a slot that Ray does not place though nobody is in the way


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beat:
    """What a study says of itself every second: who it is and how many slots it holds and could use, held ones included.

    `token` tells the driver from any other of the same study. A slot is held from when its workers are there until they are
    gone; `for_s` is for how long it has held one, or has held none.
    """

    home: str
    study: str
    token: str
    held: int
    wanted: int
    slot: SlotNeed = dataclasses.field(default_factory=SlotNeed)
    priority: str = "normal"
    user: str = ""
    host: str = ""
    pid: int = 0
    job: str = ""
    for_s: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Turn:
    """How many slots a study may hold now; fewer than it holds: it gives one back after the trial that runs in it.

    `waits_for` says what a study that may hold none waits for, and behind whom. `taken_by` is, of a study that another driver
    runs already, the last beat of that one, `silent_s` ago.
    """

    allowed: int = 0
    waits_for: str = ""
    taken_by: Beat | None = None
    silent_s: float = 0.0


class _Study:
    """A study that beats."""

    def __init__(self, beat: Beat, now: float) -> None:
        self.beat, self.beaten_at, self.joined_at = beat, now, now
        self.allowed, self.share, self.has_held = 0, 0.0, beat.held > 0
        self.usage, self.ratio = Usage(now), 0.0
        self.rose_at = self.empty_since = now - beat.for_s
        self.promised_at = now  # since when it may hold more than it holds
        self.alone_since: float | None = None  # since when nobody is in the way of that
        self.aside_until = 0.0

    def beats(self, beat: Beat, now: float) -> None:
        """What it says now."""
        if beat.held > self.beat.held:
            self.rose_at = now
        if self.beat.held and not beat.held:
            self.empty_since = now
        if beat.held >= self.allowed or beat.held > self.beat.held:
            self.promised_at, self.alone_since, self.aside_until = now, None, 0.0
        self.beat, self.beaten_at, self.has_held = beat, now, self.has_held or beat.held > 0

    @property
    def slot(self) -> Amount:
        return self.beat.slot.amount

    @property
    def weight(self) -> float:
        return WEIGHTS.get(self.beat.priority, WEIGHTS["normal"])

    def reserved(self, now: float, whole: Amount | None = None) -> int:
        """The slots that nobody else can have: those it holds, and those it may hold if the `whole` has room for one."""
        if self.is_aside(now) or (whole and not self.slot.fits(whole)):
            return self.beat.held
        return max(self.beat.held, self.allowed)

    def is_aside(self, now: float) -> bool:
        return now < self.aside_until

    def rank(self, now: float, base: int) -> tuple[float, ...]:
        """Who goes first where slots are left over beside the `base` of each: the smallest."""
        has_more = self.reserved(now) > base
        if has_more and (self.allowed > self.beat.held or now - self.rose_at < GRACE_S):
            return (0, self.joined_at)
        if not self.ratio and not self.reserved(now):
            return (1, self.has_held, -self.weight * (now - self.empty_since), self.joined_at)
        if has_more and now - self.rose_at < STRETCH_S:
            return (2, self.joined_at)
        return (3, self.ratio, not has_more, self.joined_at)


class Turns:
    """The arbiter of one cluster: it hears beats and answers turns. Its memory is ten minutes; beats rebuild the rest."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._studies: dict[tuple[str, str], _Study] = {}

    def beat(self, beat: Beat, whole: Amount, now: float, *, instead_of: str = "") -> Turn:
        """The turn of the study that beats, on a cluster that has the `whole` to share.

        `instead_of` is the token of a driver of the same study that is known to be dead.
        """
        self._drop_silent(now)
        key = (beat.home, beat.study)
        known = self._studies.get(key)
        if known and known.beat.token == instead_of:
            del self._studies[key]
            known = None
        if known and known.beat.token != beat.token:
            return Turn(taken_by=known.beat, silent_s=now - known.beaten_at)
        if known:
            known.beats(beat, now)
        else:
            known = self._studies[key] = _Study(beat, now)
        if now - self._began < SETTLE_S:
            known.allowed = beat.held
            return Turn(allowed=beat.held)
        self._settle(whole, now)
        return Turn(allowed=known.allowed, waits_for=self._waits_for(known, whole, now))

    def leave(self, home: str, study: str, token: str) -> bool:
        """A study has ended; tells whether none is left. One that does not beat is passed over."""
        known = self._studies.get((home, study))
        if known and known.beat.token == token:
            del self._studies[home, study]
        return not self._studies

    def reserved(self, whole: Amount, now: float) -> Amount:
        """What studies hold, or may take at any moment."""
        return total(Amount().plus(one.slot, one.reserved(now, whole)) for one in self._studies.values())

    def standing(self, whole: Amount, now: float) -> list[tuple[Beat, Turn]]:
        """Every study that runs now, in the order in which they joined."""
        self._drop_silent(now)
        return [
            (one.beat, Turn(allowed=one.allowed, waits_for=self._waits_for(one, whole, now)))
            for one in self._studies.values()
        ]

    def _drop_silent(self, now: float) -> None:
        self._studies = {key: one for key, one in self._studies.items() if now - one.beaten_at < SILENT_S}

    def _settle(self, whole: Amount, now: float) -> None:
        """Tell each study anew what it may hold: less at once, more where it is free."""
        studies = list(self._studies.values())
        sharing = [one for one in studies if not one.is_aside(now)]
        claims = [Claim(weight=one.weight, slot=one.slot, wanted=one.beat.wanted) for one in sharing]
        for one, share in zip(sharing, fair_shares(claims, whole), strict=True):
            one.share = share
            one.usage.note(now, one.beat.held, share)
            one.ratio = one.usage.ratio(now)
        apart = total(Amount().plus(one.slot, one.beat.held) for one in studies if one.is_aside(now))
        targets = self._targets(sharing, whole.plus(apart, -1), now)
        for one in studies:
            target = targets.get(id(one), max(one.beat.held, min(one.beat.wanted, 1)))
            one.allowed = min(target, max(one.beat.held, one.allowed))
        free = whole.plus(self.reserved(whole, now), -1)
        is_alone = sum(one.beat.wanted > 0 or one.beat.held > 0 for one in studies) == 1
        for one in sorted(studies, key=lambda one: (one.beat.held > 0, one.rank(now, int(one.share)))):
            target = targets.get(id(one), 1)
            # What does not fit at all may be asked for: a cluster that grows sees it.
            unseen = is_alone or not one.slot.fits(whole) or one.is_aside(now)
            while one.allowed < target and (unseen or one.slot.fits(free)):
                one.allowed, free = one.allowed + 1, free.plus(one.slot, -1)
                one.rose_at = one.promised_at = now
        self._note_stuck(studies, now)

    def _targets(self, studies: Sequence[_Study], whole: Amount, now: float) -> dict[int, int]:
        """How many slots each should come to hold, by `id`."""
        wanting = [one for one in studies if one.beat.wanted > 0]
        if total(Amount().plus(one.slot, one.beat.wanted) for one in wanting).fits(whole) or len(wanting) < 2:
            return {id(one): one.beat.wanted for one in studies}
        unfit = [one for one in wanting if not one.slot.fits(whole)]
        wanting = [one for one in wanting if one not in unfit]
        targets = {id(one): 0 for one in studies} | {id(one): 1 for one in unfit}
        bases = {id(one): min(one.beat.wanted, int(one.share + 1e-6)) for one in wanting}
        ranked = sorted(wanting, key=lambda one: one.rank(now, bases[id(one)]))
        left = whole.plus(total(Amount().plus(one.slot, bases[id(one)]) for one in wanting), -1)

        def make_room(need: Amount, of: _Study) -> None:
            """Let the others have less than their share, the last first, where nothing less will do."""
            nonlocal left
            for other in reversed(ranked):
                while other is not of and bases[id(other)] and not need.fits(left):
                    bases[id(other)] -= 1
                    left = left.plus(other.slot)

        spare = left
        for one in ranked:
            if stuck := _stuck_for(one, now):
                left = left.plus(one.slot, -stuck)
                make_room(Amount(), one)
        for one in ranked:
            is_owed = one.rank(now, 0)[0] < 3 or one.ratio < 1
            if one.share < 1 and not one.slot.fits(spare) and is_owed:  # turns with what is left over would never do
                make_room(one.slot, one)
            if one.beat.wanted > bases[id(one)] and one.slot.fits(left):
                targets[id(one)], left = 1, left.plus(one.slot, -1)
        for one in ranked:
            targets[id(one)] += bases[id(one)]
        for one in ranked:  # what nobody else can use
            while one.beat.wanted > targets[id(one)] and one.slot.fits(left):
                targets[id(one)], left = targets[id(one)] + 1, left.plus(one.slot, -1)
        return targets

    def _note_stuck(self, studies: Sequence[_Study], now: float) -> None:
        """A slot that Ray does not place though nobody holds one waits for something else: others go on meanwhile."""
        for one in studies:
            if not _stuck_for(one, now) or any(other.beat.held for other in studies if other is not one):
                one.alone_since = None
            elif one.alone_since is None:
                one.alone_since = now
            elif now - one.alone_since > STUCK_S and len(studies) > 1:
                one.aside_until, one.promised_at, one.alone_since = now + ASIDE_S, now + ASIDE_S, None

    def _waits_for(self, one: _Study, whole: Amount, now: float) -> str:
        if one.allowed and one.is_aside(now):
            return waits_for(one.beat.slot, (), whole=whole, is_aside=True)
        if one.beat.held or (one.allowed and one.slot.fits(whole)) or not one.beat.wanted:
            return ""
        others = [other for other in self._studies.values() if other is not one]
        before = [other.beat for other in others if other.beat.held or other.allowed]
        named = [(beat.study, beat.user, beat.priority) for beat in before]
        return waits_for(one.beat.slot, named, whole=whole)


def _stuck_for(one: _Study, now: float) -> int:
    """How many slots' worth of room to make beside the one that Ray does not place, though there should be room for it.

    The free CPUs may lie in bits on several machines, or somebody else may have taken them: room for one slot more each minute.
    """
    if one.allowed <= one.beat.held or one.is_aside(now):
        return 0
    return max(int((now - one.promised_at) // STUCK_S), 0)
