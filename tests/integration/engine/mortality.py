"""Workers that die at a chosen point: before or after any call to either app, and any commit of the store."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.integration.engine.world import World
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.store.memory import LaneMemory
from tidegate.store.models import Intent
from tidegate.store.schedule import LaneSchedule

COMMITS = ("commit", "commit_page", "commit_check", "write_intents", "save_index", "ask_to_look")
PREVIEWED = ("commit_preview",)
SCHEDULED = ("wait", "stop")
PIPEDRIVE_CALLS = (
    "create_person",
    "update_person",
    "create_organization",
    "get_persons",
    "walk_persons",
    "walk_organizations",
    "get_organizations",
)
UNDO_CALLS = ("remove_person", "remove_organization", "remove_prospect", "attachments")
WEBHOOK_CALLS = ("list_webhooks", "create_webhook", "delete_webhook")
OUTREACH_CALLS = ("create_prospect", "update_prospect", "get_prospects", "find_by_emails", "walk")


class Died(BaseException):
    """The process ended here."""


@dataclass
class Countdown:
    """Lets so many points pass, then dies; afterwards nothing dies any more. Remembers the points it saw."""

    left: int = 0
    seen: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        self.seen.append(point)
        self.left -= 1
        if self.left == 0:
            raise Died(point)


def mortal_memory(countdown: Countdown) -> type[LaneMemory]:
    """A store where each commit is a point before and a point after."""
    mortal: type[LaneMemory] = _mortal(LaneMemory, COMMITS + PREVIEWED, countdown)
    return mortal


def mortal_schedule(countdown: Countdown) -> type[LaneSchedule]:
    mortal: type[LaneSchedule] = _mortal(LaneSchedule, SCHEDULED, countdown)
    return mortal


def _mortal(parent: Any, names: tuple[str, ...], countdown: Countdown) -> Any:
    def mortal(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            countdown(f"before {name}")
            done = getattr(parent, name)(self, *args, **kwargs)
            countdown(f"after {name}")
            return done

        return method

    return type(f"Mortal{parent.__name__}", (parent,), {name: mortal(name) for name in names})


class MortalApp:
    """One app as a worker reaches it: each call is a point before and a point after."""

    def __init__(self, app: Any, countdown: Countdown) -> None:
        self._app, self._countdown = app, countdown

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._app, name)
        mortal = name in (*PIPEDRIVE_CALLS, *OUTREACH_CALLS, *UNDO_CALLS, *WEBHOOK_CALLS)
        return _mortal_call(found, name, self._countdown) if mortal else found


def make_calls_mortal(world: World, countdown: Countdown) -> None:
    """The same for a world that goes on living in one piece."""
    for side in (world.crm, world.outreach):
        names = [name for name in (*PIPEDRIVE_CALLS, *OUTREACH_CALLS, *UNDO_CALLS) if hasattr(side, name)]
        make_mortal(side, names, countdown)


def make_mortal(app: Any, names: Iterable[str], countdown: Countdown) -> None:
    """From now on each of these calls is a point before and a point after."""
    for name in names:
        setattr(app, name, _mortal_call(getattr(app, name), name, countdown))


def _mortal_call(call: Callable[..., Any], name: str, countdown: Countdown) -> Callable[..., Any]:
    async def method(*args: Any, **kwargs: Any) -> Any:
        countdown(f"before {name}")
        answer = await call(*args, **kwargs)
        countdown(f"after {name}")
        return answer

    return method


def survive(world: World, act: Callable[[World], None]) -> None:
    """What a supervisor does: start again, with nothing in memory."""
    try:
        act(world)
    except Died:
        world.drain()
        world.connection.refresh_from_db()
        if world.connection.status == "syncing":
            world.drain()


def summary(world: World) -> dict[str, Any]:
    """What both sides hold in the end, without ids."""
    world.drain()
    keys = (FIRST_NAME, LAST_NAME, EMAIL, JOB_TITLE)
    return {
        "persons": sorted(tuple(str(p.value(k)) for k in keys) for p in world.persons()),
        "prospects": sorted(tuple(str(p.value(k)) for k in keys) for p in world.prospects()),
        "organizations": [o.name for o in world.crm.organizations],
        "links": len(world.links()),
        "intents": Intent.objects.count(),
    }
