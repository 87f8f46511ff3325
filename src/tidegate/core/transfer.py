"""A transfer of existing records: its states and the moves between them, how far it is, what it will cost.

Prices are Pipedrive's published ones for API v2 (developers.pipedrive.com, OpenAPI `x-token-cost`, read 2026-08): a list
page costs the same whatever its size, so pages are as large as they go, and nothing is ever searched for.
Rules: docs/sync-rules.md, "Transfer".
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median_high
from typing import Any, Final

from tidegate.core.records import ORGANIZATION, Side
from tidegate.core.settings import Direction
from tidegate.core.values import Json, name_key


class State(StrEnum):
    PREVIEW = "preview"
    """The plan is being made; nothing is written."""
    READY = "ready"
    """The preview is there and waits to be started or dropped."""
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNDONE = "undone"


MOVES: dict[State, frozenset[State]] = {
    State.PREVIEW: frozenset({State.READY, State.CANCELLED, State.FAILED}),
    State.READY: frozenset({State.RUNNING, State.PREVIEW, State.CANCELLED}),
    State.RUNNING: frozenset({State.PAUSED, State.DONE, State.CANCELLED, State.FAILED}),
    State.PAUSED: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.DONE: frozenset({State.RUNNING, State.UNDONE}),
    State.CANCELLED: frozenset({State.UNDONE}),
    State.FAILED: frozenset({State.RUNNING, State.CANCELLED, State.UNDONE}),
    State.UNDONE: frozenset(),
}
"""Done or failed to running: the failed records alone are retried."""

UNDOABLE: Final = frozenset({State.DONE, State.CANCELLED, State.FAILED, State.UNDONE})
"""A transfer in one of these can be taken back; again, too, for what the first undo was not asked to delete."""

OPEN: Final = frozenset({State.RUNNING, State.PAUSED})
"""While a transfer is in one of these, the connection is *Syncing* and real-time changes wait."""


@dataclass(frozen=True, slots=True)
class Include:
    """What a transfer brings beside the mapped fields."""

    past_emails: bool = False
    """All campaign e-mails of the pairs it covers, those of before the launch and imported ones among them, as done
    activities. Without it only those since the launch to whom it links for the first time, as in live sync."""
    constants: bool = True


USUAL: Final = Include()


def may_move(before: State, after: State) -> bool:
    """Whether a transfer can go from one state to the other; staying is always allowed."""
    return before is after or after in MOVES[before]


PACE_POINTS: Final = 60
"""The most points that a run's pace is remembered by."""
Pace = Sequence[Sequence[float]]
"""Points of a run: seconds since its start, and records done by then; oldest first."""


def marked(pace: Pace, seconds: float, done: int) -> list[list[float]]:
    """The points with one more. Where they become too many every second one goes, so that they reach back to the start."""
    points = [*(list(point) for point in pace), [round(seconds, 1), done]]
    return points if len(points) <= PACE_POINTS else points[:1] + points[1 + len(points) % 2 :: 2]


def paces(pace: Pace) -> list[tuple[float, float]]:
    """At which second the run was how fast, in records a second: one for each stretch between two points."""
    return [((a + b) / 2, max(0.0, (d - c) / (b - a))) for (a, c), (b, d) in pairwise(pace) if b > a]


RECENT: Final = 5
"""By how many of the last stretches a run's present pace is told."""


def recent_pace(pace: Pace) -> float | None:
    """Records a second of late; None while nothing was done.

    The middle one of the last stretches counts, so that a wait in one of them, for a whole night even, does not.
    """
    found = [rate for _second, rate in paces(pace)[-RECENT:] if rate]
    return median_high(found) if found else None


PAGE: Final = 500
"""Records of a list page."""
LIST_TOKENS: Final = 10
"""A list page, or a look at up to a hundred records by id."""
LOOK: Final = 100
SINGLE_TOKENS: Final = 1
WRITE_TOKENS: Final = 5
DELETE_TOKENS: Final = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """API tokens of a run by what they are spent on, and the number of calls."""

    walk: int = 0
    """Bringing our index of persons and organizations up to date."""
    look: int = 0
    """Looking at records by id before they are written."""
    write: int = 0
    """Creating, changing and deleting."""
    calls: int = 0

    @property
    def tokens(self) -> int:
        return self.walk + self.look + self.write


def estimate_cost(
    *,
    persons: int = 0,
    organizations: int = 0,
    looks: int = 0,
    persons_created: int = 0,
    persons_updated: int = 0,
    organizations_created: int = 0,
    emails_logged: int = 0,
    deleted: int = 0,
    catch_ups: int = 0,
    caught_up: int = 0,
    looked: tuple[int, int] = (0, 0),
) -> Cost:
    """What a run costs. `persons` and `organizations` are those still to be walked, as the source or for the index;
    `looks` is the number of records to be looked at by id; a catch-up of the index lists what was updated of both, which is
    `caught_up` persons of our own writing, and a page of organizations.
    `looked`: calls and tokens of looks that were counted one by one."""
    pages = (
        _pages(persons, PAGE)
        + _pages(organizations, PAGE)
        + catch_ups * (1 + max(1, _pages(caught_up, PAGE)))
    )
    batches = _pages(looks, LOOK)
    writes = persons_created + persons_updated + organizations_created + emails_logged
    return Cost(
        walk=pages * LIST_TOKENS,
        look=batches * LIST_TOKENS + looked[1] + emails_logged,  # a token each for the deal it may stand at
        write=writes * WRITE_TOKENS + deleted * DELETE_TOKENS,
        calls=pages + batches + looked[0] + writes + deleted + emails_logged,
    )


def _pages(count: int, size: int) -> int:
    return -(-count // size)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a run takes: the seconds it works, and on how many further days it goes on because the budget ends."""

    seconds: float
    nights: int | None
    """Times it waits for the next day's budget; None where the budget leaves nothing for it, so that it never ends."""


def forecast(cost: Cost, *, calls_per_second: float, left_today: int, per_day: int) -> Forecast:
    """`left_today` and `per_day` are the tokens this run may use, what is kept for others taken off."""
    seconds = cost.calls / calls_per_second
    beyond = cost.tokens - max(left_today, 0)
    if beyond <= 0:
        return Forecast(seconds, 0)
    return Forecast(seconds, _pages(beyond, per_day) if per_day > 0 else None)


def ends_at(told: Forecast, now: datetime) -> datetime | None:
    """About when the run is done: it goes on when the budget's day begins anew (UTC). None where it never ends."""
    if told.nights is None:
        return None
    if told.nights == 0:
        return now + timedelta(seconds=told.seconds)
    last_day = datetime.combine(now.astimezone(UTC).date() + timedelta(days=told.nights), time(), UTC)
    return last_day + timedelta(seconds=told.seconds / (told.nights + 1))


CATCH_UP_SECONDS: Final = 20
"""While a run goes to Pipedrive, the index is caught up so often: what somebody adds meanwhile is met, not doubled."""
CATCH_UP_OVERLAP: Final = 10
"""Seconds that each catch-up looks further back, as an index does whose times have whole seconds."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a preview counted: everything its run will do."""

    persons_created: int = 0
    persons_updated: int = 0
    prospects_created: int = 0
    prospects_updated: int = 0
    organizations_created: int = 0
    emails_logged: int = 0
    """Campaign e-mails to whoever is linked for the first time, which become activities once the run has ended."""
    conflicts: int = 0
    """Records where both apps have a value and one would be overwritten."""
    person_pages: int = 0
    """Pages of persons to be walked, where they are the source."""
    looks: int = 0
    """Of an undo: calls that look at records by id."""
    look_tokens: int = 0
    persons_deleted: int = 0
    prospects_deleted: int = 0
    organizations_deleted: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Work":
        """What was counted; counts of an earlier release that are no longer kept are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: count for name, count in counts.items() if name in known})

    def cost(self, *, calls_per_second: float) -> Cost:
        writes = self.persons_created + self.persons_updated + self.organizations_created
        deleted = self.persons_deleted + self.organizations_deleted
        catch_ups = 1 + int(writes / calls_per_second / CATCH_UP_SECONDS)
        return estimate_cost(
            persons=self.person_pages * PAGE,
            persons_created=self.persons_created,
            persons_updated=self.persons_updated,
            organizations_created=self.organizations_created,
            emails_logged=self.emails_logged,
            deleted=deleted,
            catch_ups=catch_ups,
            caught_up=min(writes, int(calls_per_second * (CATCH_UP_SECONDS + CATCH_UP_OVERLAP))),
            looked=(self.looks, self.look_tokens),
        )


EXPECTED: Final = "outcomes"
"""Under which a previewed run keeps how many records of each outcome it is to come to."""


def work_of_chosen(
    chosen: Iterable[tuple[str, Sequence[Mapping[str, Json]]]], direction: Direction
) -> tuple[dict[str, Any], dict[str, str]]:
    """What a preview's chosen records come to: counts as those of `Work`, with `EXPECTED`; and the names of organizations
    that are needed by their keys. A record is its outcome and its fields' changes.
    """
    target = Side.PIPEDRIVE if direction is Direction.TO_PIPEDRIVE else Side.OUTREACH
    counts: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    organizations: dict[str, str] = {}
    for outcome, changes in chosen:
        outcomes["failed" if outcome == "attention" else outcome] += 1
        sides = {target} if outcome == "created" else {Side(str(change["side"])) for change in changes}
        counts.update(f"{_PLURALS[side]}_{outcome}" for side in sides)
        counts["conflicts"] += any(change.get("conflict") for change in changes)
        names = (c["after"] for c in changes if c["field"] == ORGANIZATION and c["side"] == Side.PIPEDRIVE)
        organizations.update((name_key(name), name) for name in names if isinstance(name, str))
    looks = look_counts(outcomes.total()) if direction is Direction.FROM_PIPEDRIVE else {}
    return {**counts, **looks, EXPECTED: dict(outcomes)}, organizations


_PLURALS = {Side.OUTREACH: "prospects", Side.PIPEDRIVE: "persons"}


def reads_by_id(count: int, *, one: int, many: int) -> tuple[int, int]:
    """How to read so many records cheapest, at these prices: list calls for `LOOK` of them each, and single reads for the rest.

    At an equal price one call beats ten.
    """
    full, rest = divmod(count, LOOK)
    return (full, rest) if rest * one < many else (full + 1, 0)


def look_counts(records: int, *, listed: int = 0) -> dict[str, int]:
    """Calls and tokens of a look at records by id: a hundred in a list call, the rest one by one where that is cheaper.
    `listed` is the number of further list calls for the same records."""
    if not records:
        return {"looks": 0, "look_tokens": 0}
    lists, singles = reads_by_id(records, one=SINGLE_TOKENS, many=LIST_TOKENS)
    lists += listed
    return {"looks": lists + singles, "look_tokens": lists * LIST_TOKENS + singles}
