"""What automations would do, shown without doing it: with the events of the last weeks, and with one prospect now.

Nothing is written in either app. The simulation asks nothing of Pipedrive; a try may ask for one person's open deals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tidegate.core.automation import Trigger
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.deals import Deal
from tidegate.core.once import Ran
from tidegate.core.records import Record
from tidegate.core.runs import CampaignRules, needs_deals
from tidegate.core.settings import Settings
from tidegate.core.simulation import Simulated, Simulator
from tidegate.errors import NeedsAttention, NotFound, TemporaryError
from tidegate.ports import Crm
from tidegate.prospects.campaign_queries import newest_campaign
from tidegate.store.models import AutomationRun, Connection, Link
from tidegate.store.schedule import campaign_rules
from tidegate.wiring import parts
from tidegate.wiring.asking import ask_pipedrive
from tidegate.wiring.steps import request_step, run
from tidegate.words import say

DAYS = 30
MOST_EVENTS = 20_000
"""More are not looked at in one go: a page must answer while somebody waits."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the automations of these settings would have done, in the order in which the events happened."""

    since: datetime
    until: datetime
    events: int
    """How many there were, those that start nothing included."""
    cut_short: bool
    """There were more than are looked at in one go; the earliest were followed."""
    done: tuple[Simulated, ...]
    asleep: tuple[Trigger, ...] = ()
    """Whose automations are switched on and can't work, as something they name is missing."""


def simulate(connection: Connection, settings: Settings | None = None, *, days: int = DAYS) -> Simulation:
    """What the automations (of the stored settings, unless others are given) would have done with the last days' events.

    That they were imported, or happened before the launch, keeps no event out: it is the past that is being tried on.
    """
    settings = settings or connection.get_settings()
    until = timezone.now()
    since = until - timedelta(days=days)
    rules = campaign_rules(connection, settings)
    simulator = Simulator(rules)

    async def follow() -> tuple[list[Simulated], int, bool]:
        outreach = parts.outreach_of(connection, request_step)
        done: list[Simulated] = []
        seen, cursor = 0, None
        while seen < MOST_EVENTS:
            page = await outreach.walk_campaign_events(since=since, until=until, cursor=cursor, limit=PAGE)
            ids = {event.prospect_id for event in page.events if event.prospect_id}
            found = await outreach.get_prospects(ids)
            people = {pid: record for pid, record in found.items() if isinstance(record, Record)}
            linked = await request_step(_linked, connection, ids)
            done += _followed(simulator, page.events, people, linked, settings)
            seen, cursor = seen + len(page.events), page.next_cursor
            if cursor is None:
                break
        return done, seen, cursor is not None

    done, seen, cut_short = run(follow)
    return Simulation(since, until, seen, cut_short, tuple(done), _asleep(settings, rules))


def _asleep(settings: Settings, rules: CampaignRules) -> tuple[Trigger, ...]:
    working = {automation.trigger for automation in rules.automations}
    return tuple(a.trigger for a in settings.automations if a.enabled and a.trigger not in working)


def _followed(
    simulator: Simulator,
    events: Sequence[CampaignEvent],
    people: dict[str, Record],
    linked: dict[str, str],
    settings: Settings,
) -> list[Simulated]:
    done = []
    for event in events:
        prospect = people.get(event.prospect_id or "")
        if prospect is not None:
            why_not = "" if prospect.id in linked else settings.why_not(prospect)
            simulated = simulator.follow(event, prospect, why_not)
            done += [simulated] if simulated else []
    return done


def _linked(connection: Connection, prospect_ids: set[str]) -> dict[str, str]:
    """Prospect id -> person id, of those that are linked."""
    rows = Link.objects.filter(connection=connection, prospect_id__in=prospect_ids, person_id__isnull=False)
    return dict(rows.values_list("prospect_id", "person_id"))


# --- One prospect


@dataclass(frozen=True, slots=True)
class Tried:
    """What would happen for one prospect if each trigger came now."""

    prospect: Record
    is_linked: bool
    done: tuple[Simulated, ...]
    asked: bool
    """Whether Pipedrive told of the person's open deals; if not, moves may depend on them."""
    asleep: tuple[Trigger, ...] = ()
    """Whose automations are switched on and can't work, as something they name is missing."""


def try_with(connection: Connection, prospect_id: str, settings: Settings | None = None) -> Tried:
    """Each automation that is on, as if its event came now for this prospect. Raises NotFound."""
    settings = settings or connection.get_settings()
    rules = campaign_rules(connection, settings)
    prospect = run(_prospect, connection, prospect_id)
    person_id = _linked(connection, {prospect_id}).get(prospect_id)
    why_not = "" if person_id else settings.why_not(prospect)
    deals = _open_deals(connection, rules, person_id)
    runs = _runs(connection, prospect_id)
    done = []
    for automation in rules.automations:
        simulator = Simulator(rules)
        simulator.know_runs(prospect_id, runs)
        if deals is not None:
            simulator.know_deals(prospect_id, deals)
        event = _made_up(connection, prospect_id, automation.trigger)
        simulated = simulator.follow(event, prospect, why_not)
        done += [simulated] if simulated else []
    return Tried(prospect, person_id is not None, tuple(done), deals is not None, _asleep(settings, rules))


async def _prospect(connection: Connection, prospect_id: str) -> Record:
    found = await parts.outreach_of(connection, request_step).get_prospects([prospect_id])
    record = found.get(prospect_id)
    if not isinstance(record, Record):
        raise NotFound(say("There is no such prospect."))
    return record


def _open_deals(
    connection: Connection, rules: CampaignRules, person_id: str | None
) -> tuple[Deal, ...] | None:
    """What Pipedrive says; nothing of somebody who is not there; None where it can't be asked."""
    if person_id is None:
        return ()
    if not any(needs_deals(action, None) for a in rules.automations for action in a.actions):
        return None
    if connection.secret is None:
        return None

    async def ask(crm: Crm) -> tuple[Deal, ...]:
        return (await crm.open_deals([person_id])).get(person_id, ())

    try:
        return ask_pipedrive(connection, ask)
    except (NeedsAttention, TemporaryError):
        return None


def _runs(connection: Connection, prospect_id: str) -> list[Ran]:
    """Those that count: what came while the prospect was not in Pipedrive keeps nothing from running."""
    rows = AutomationRun.objects.filter(connection=connection, prospect_id=prospect_id).exclude(person_id="")
    return [
        Ran(row.trigger, row.event_id, row.campaign_id or None, row.email_id or None)
        for row in rows.order_by("pk")
    ]


def _made_up(connection: Connection, prospect_id: str, trigger: Trigger) -> CampaignEvent:
    """An event as it would come now: of the newest campaign, about an e-mail nothing has happened to yet."""
    campaign = newest_campaign(connection.workspace_id)
    now = timezone.now()
    return CampaignEvent(
        id="",
        key="",
        type=trigger.value,
        at=now,
        received_at=now,
        prospect_id=prospect_id,
        campaign_id=str(campaign.pk) if campaign else None,
        campaign_name=campaign.name if campaign else "",
        email_id="",
    )
