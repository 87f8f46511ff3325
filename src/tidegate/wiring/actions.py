"""What a member or a program can do with a connection. Pages, API and commands call these and nothing else.

Each checks, does, and tells in words of `tidegate.errors` what stands in the way. The permission was checked by the caller.
"""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from tidegate.core.brakes import Brake
from tidegate.core.cases import OF_CAMPAIGNS
from tidegate.core.catalogue import OutreachCatalogue, PipedriveCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.references import unknown_references
from tidegate.core.settings import Settings
from tidegate.core.settings import problems as settings_problems
from tidegate.errors import Conflict, Invalid
from tidegate.ports import ASKED, Crm
from tidegate.store import budget, catalogues, connections, halts
from tidegate.store.audit import Act, note
from tidegate.store.budget import MOST_RESERVE, PLAN_FACTORS
from tidegate.store.cases import try_again
from tidegate.store.halts import open_halt
from tidegate.store.identities import keep_apart
from tidegate.store.inbox import News, add_changes
from tidegate.store.models import Attention, Connection, Halt
from tidegate.store.sameness import ask_for_check
from tidegate.store.schema_watch import KIND as SETTINGS_AT_FAULT
from tidegate.store.schema_watch import watch_settings
from tidegate.store.wakes import wake_lane
from tidegate.wiring.asking import ask_pipedrive
from tidegate.wiring.connecting import (  # these, too, are reached from here
    connect_url as connect_url,
)
from tidegate.wiring.connecting import connect_with_token as connect_with_token
from tidegate.wiring.connecting import disconnect as disconnect
from tidegate.wiring.connecting import finish_authorisation as finish_authorisation
from tidegate.wiring.connecting import finish_oauth as finish_oauth
from tidegate.wiring.connecting import lose_authorisation as lose_authorisation
from tidegate.wiring.news import store_outreach_catalogue
from tidegate.wiring.transfers import Estimate as Estimate
from tidegate.wiring.transfers import cancel_transfer as cancel_transfer
from tidegate.wiring.transfers import continue_transfer as continue_transfer
from tidegate.wiring.transfers import estimate as estimate
from tidegate.wiring.transfers import must_confirm as must_confirm
from tidegate.wiring.transfers import pause_transfer as pause_transfer
from tidegate.wiring.transfers import preview_transfer as preview_transfer
from tidegate.wiring.transfers import retry_failed as retry_failed
from tidegate.wiring.transfers import start_previewed as start_previewed
from tidegate.wiring.transfers import start_transfer as start_transfer
from tidegate.wiring.transfers import touched_by as touched_by
from tidegate.wiring.transfers import undo_possible_until as undo_possible_until
from tidegate.wiring.transfers import undo_transfer as undo_transfer
from tidegate.words import say

STRUCTURAL = frozenset(
    {
        "kind-differs",
        "field-twice",
        "system-mapping",
        "constant-mapped",
        "constant-field",
        "constant-value",
        "automation-twice",
        "action-twice",
        "stage-elsewhere",
    }
)
"""Faults no settings document may be saved with; what is merely missing keeps it from being launched."""


# --- Catalogues ----------------------------------------------------------------------------------------------------


def refresh(connection: Connection) -> None:
    """Read fields, options, users, pipelines, stages and filters of Pipedrive anew, and the store's lists and fields."""

    async def read(crm: Crm) -> PipedriveCatalogue:
        return await crm.read_catalogue()

    catalogues.store_catalogues(connection, pipedrive=ask_pipedrive(connection, read))
    store_outreach_catalogue(connection)


def outreach_catalogue(connection: Connection) -> OutreachCatalogue:
    return catalogues.outreach_catalogue(connection)


def pipedrive_catalogue(connection: Connection) -> PipedriveCatalogue:
    return catalogues.pipedrive_catalogue(connection)


# --- Settings ------------------------------------------------------------------------------------------------------


def problems(connection: Connection) -> list[Problem]:
    """What keeps the connection from being launched; empty when nothing does."""
    return problems_of(connection, connection.get_settings())


def problems_of(connection: Connection, settings: Settings) -> list[Problem]:
    return settings_problems(settings, outreach_catalogue(connection), pipedrive_catalogue(connection))


def save_settings(
    connection: Connection, settings: Settings, *, version: int | None, actor: str
) -> Connection:
    """Save what may still be incomplete, but never what can't be. Raises Invalid by place, and Conflict.

    What is named for the first time must be there: another workspace's list or a deleted field is stale or forged.
    What went wrong by itself since the last save (a field changed its type over there) keeps nobody from saving the rest.
    """
    known = {(problem.code, problem.message) for problem in problems(connection)}
    errors: dict[str, list[str]] = {}
    for problem in problems_of(connection, settings):
        if problem.code in STRUCTURAL and (problem.code, problem.message) not in known:
            errors.setdefault(problem.place, []).append(problem.message)
    before = connection.get_settings()
    for problem in unknown_references(
        settings, before, outreach_catalogue(connection), pipedrive_catalogue(connection)
    ):
        errors.setdefault(problem.place, []).append(problem.message)
    if errors:
        raise Invalid(say("Some settings can’t be saved."), errors=errors)
    with transaction.atomic():
        rows = Connection.objects.select_for_update(no_key=True).filter(pk=connection.pk)
        was = rows.values_list("settings", flat=True).first()
        saved = connections.store_settings(connection, settings, version=version)
        if saved.settings != was:
            subject, after = saved.company_name, saved.settings
            note(
                saved.workspace_id,
                Act.SETTINGS_SAVED,
                actor=actor,
                subject=subject,
                before=was,
                after=after,
            )
    watch_settings(saved)
    return saved


def set_budget(
    connection: Connection,
    *,
    plan: str,
    seats: int,
    daily_budget: int | None,
    reserve_percent: int,
    actor: str,
) -> None:
    """The budget of the connection's Pipedrive company, shared by all its connections. Work that waits looks again."""
    errors: dict[str, list[str]] = {}
    if plan not in PLAN_FACTORS:
        errors["plan"] = [say("Choose one of {choices}.", choices=", ".join(PLAN_FACTORS))]
    if not 1 <= seats <= 100_000:
        errors["seats"] = [say("Enter how many seats the company pays for, 1 or more.")]
    if daily_budget is not None and not 100 <= daily_budget <= 1_000_000_000:
        errors["daily_budget"] = [say("Enter 100 tokens or more, or nothing to reckon by plan and seats.")]
    if not 0 <= reserve_percent <= MOST_RESERVE:
        errors["reserve_percent"] = [say("Enter a number from 0 to {most}.", most=MOST_RESERVE)]
    if errors:
        raise Invalid(say("The budget can’t be set like this."), errors=errors)
    facts = ("plan", "seats", "daily_budget", "reserve_percent")
    before = {name: getattr(connection.lane, name) for name in facts}
    with transaction.atomic():
        budget.set_budget(
            connection.lane,
            plan=plan,
            seats=seats,
            daily_budget=daily_budget,
            reserve_percent=reserve_percent,
        )
        after = dict(zip(facts, (plan, seats, daily_budget, reserve_percent), strict=True))
        subject = connection.company_name
        note(
            connection.workspace_id, Act.BUDGET_SET, actor=actor, subject=subject, before=before, after=after
        )


# --- Status --------------------------------------------------------------------------------------------------------


def launch(connection: Connection, *, actor: str) -> list[Problem]:
    """Start live sync. What keeps it from starting is returned, and then nothing has happened but the status saying so.

    Both apps are asked what is there now. Raises Conflict while what the brakes stopped waits for a decision, and
    TemporaryError or NeedsAttention where Pipedrive does not tell: then nothing has happened.
    """
    if open_halt(connection) is not None:
        raise Conflict(say("The brakes stopped an unusual change. Confirm it or drop it first."))
    if connection.status not in (Status.ACTIVE, Status.SYNCING) and not _must_reconnect(connection):
        refresh(connection)
        connection.refresh_from_db()
    return _activate(connection, Act.LAUNCHED, actor)


def resume(connection: Connection, *, actor: str, apply_waiting: bool = True) -> list[Problem]:
    """Go on after a pause. What happened meanwhile is applied, or left where it is.

    Where the brakes had stopped something, that is what the answer holds for.
    """
    halt = open_halt(connection)
    if halt is not None:
        return decide_halt(halt, confirm=apply_waiting, actor=actor)
    with transaction.atomic():
        connections.judge_waiting_changes(connection, apply=apply_waiting)
        return _activate(connection, Act.RESUMED, actor)


def _activate(connection: Connection, act: Act, actor: str) -> list[Problem]:
    if connection.status in (Status.ACTIVE, Status.SYNCING):
        return []
    if _must_reconnect(connection):
        return [
            Problem(
                "reconnect",
                "connection",
                say("Pipedrive no longer accepts this connection. Reconnect it first."),
            )
        ]
    found = problems(connection)
    if found:
        text = " ".join(problem.message for problem in found[:3])
        connections.set_status(connection, Status.FAILED, Reason.INCOMPLETE, text)
        return found
    with transaction.atomic():
        connections.set_status(connection, Status.ACTIVE)
        note(connection.workspace_id, act, actor=actor, subject=connection.company_name)
    return []


def _must_reconnect(connection: Connection) -> bool:
    return connection.secret is None or connection.reason == Reason.RECONNECT


def decide_halt(halt: Halt, *, confirm: bool, actor: str) -> list[Problem]:
    """What the brakes stopped goes through, or is left where it was made; then live sync goes on.

    Raises Conflict where it was decided already. What keeps the connection from going on is returned.
    """
    connection = halt.connection
    if confirm and halt.brake == Brake.CATALOGUE:
        refresh(connection)
    with transaction.atomic():
        halts.decide_halt(halt, halts.CONFIRMED if confirm else halts.DROPPED, actor=actor)
        connection.refresh_from_db()
        if halt.brake == Brake.LIST:
            store_outreach_catalogue(connection)
        elif halt.brake == Brake.CATALOGUE and not confirm:
            connections.put_off_rereading(connection)
        act = Act.HALT_CONFIRMED if confirm else Act.HALT_DROPPED
        subject = connection.company_name
        note(connection.workspace_id, act, actor=actor, subject=subject, after={"brake": halt.brake})
        return _activate(connection, Act.RESUMED, actor)


def pause(connection: Connection, *, actor: str) -> None:
    """Follow nothing from now on; what happens meanwhile is kept."""
    if connection.status == Status.SYNCING:
        raise Conflict(say("A transfer is running. Pause or cancel the transfer instead."))
    with transaction.atomic():
        connections.set_status(connection, Status.PAUSED)
        note(connection.workspace_id, Act.PAUSED, actor=actor, subject=connection.company_name)


def check_sameness(connection: Connection, *, actor: str) -> None:
    """Compare all linked pairs now. Raises Conflict where live sync is not on."""
    if connection.status != Status.ACTIVE:
        raise Conflict(say("The check runs beside live sync. Switch live sync on first."))
    with transaction.atomic():
        ask_for_check(connection)
        wake_lane(connection.lane_id)


def sync_now(connection: Connection, prospect_ids: Collection[str], *, actor: str) -> None:
    """Look at these prospects and their persons now, whatever became of earlier changes. Raises Conflict where live sync is
    not on.
    """
    if connection.status not in (Status.ACTIVE, Status.SYNCING):
        raise Conflict(say("Live sync is not on. Switch it on first, then sync."))
    news = [
        News(Side.OUTREACH, "prospect", i, action="check", source=ASKED, actor=actor) for i in prospect_ids
    ]
    add_changes(connection, news)


# --- Needs attention -----------------------------------------------------------------------------------------------


def retry_attention(attention: Attention, *, actor: str) -> None:
    """Look at the record once more. The row is settled when that goes well."""
    if attention.kind == SETTINGS_AT_FAULT:
        refresh(attention.connection)
        return
    _look_again(attention.connection, [attention], actor)


def settle_attention(
    attention: Attention,
    *,
    actor: str,
    person_id: str | None = None,
    prospect_id: str | None = None,
    none_of_them: bool = False,
) -> None:
    """Close the question: ignored, or answered with the pair the member chose, or with *none of them*.

    An answer is remembered, and the record is looked at with it. Raises Conflict, and Invalid where the answer fits no
    such question.
    """
    with transaction.atomic():
        if attention.settled_at is not None:
            raise Conflict(say("This was settled already."))
        answered = bool(person_id or prospect_id or none_of_them)
        if none_of_them:
            _keep_apart(attention, actor)
        elif prospect_id and attention.kind == TWO_FOR_ONE:
            connections.link_survivor(
                attention.connection, prospect_id=prospect_id, survivor_id=str(attention.facts["survivor"])
            )
        elif answered:
            connections.link_pair(
                attention.connection,
                prospect_id=prospect_id or attention.prospect_id,
                person_id=person_id or attention.person_id,
            )
        attention.settled_at, attention.settled_by = timezone.now(), actor
        attention.save(update_fields=["settled_at", "settled_by"])
        if prospect_id and attention.kind == TWO_FOR_ONE:
            add_changes(attention.connection, [_look_at_prospect(prospect_id)])
        elif answered:
            _look_again(attention.connection, [attention], actor)


TWO_FOR_ONE = "merged"
"""The kind of a question that a merge of two linked persons left behind."""
AMBIGUOUS = "ambiguous"


def _keep_apart(attention: Attention, actor: str) -> None:
    candidates = attention.facts.get("candidates")
    if attention.kind != AMBIGUOUS or not isinstance(candidates, list):
        raise Invalid(say("Only a question of who is meant can be answered with none of them."))
    ids = [str(candidate) for candidate in candidates]
    if attention.prospect_id:
        pairs = [(attention.prospect_id, person_id) for person_id in ids]
    else:
        pairs = [(prospect_id, attention.person_id) for prospect_id in ids]
    keep_apart(str(attention.connection_id), pairs, actor=actor)


def _look_at_prospect(prospect_id: str) -> News:
    return News(Side.OUTREACH, "prospect", prospect_id, action="check", source="retry")


MOST_AT_ONCE = 500
"""Cases that are retried or ignored together."""


def retry_all(connection: Connection, *, kind: str = "", actor: str) -> int:
    """Try the open cases of one kind again (of every kind where none is named), the oldest first. How many those were."""
    cases = _open_cases(connection, kind)
    if any(case.kind == SETTINGS_AT_FAULT for case in cases):
        refresh(connection)
    _look_again(connection, [case for case in cases if case.kind != SETTINGS_AT_FAULT], actor)
    return len(cases)


def ignore_all(connection: Connection, *, kind: str = "", actor: str) -> int:
    """Leave the records of one kind's open cases alone until they change again. How many those were."""
    ids = [case.pk for case in _open_cases(connection, kind)]
    rows = Attention.objects.filter(pk__in=ids, settled_at=None)
    return rows.update(settled_at=timezone.now(), settled_by=actor[:200])


def _open_cases(connection: Connection, kind: str) -> list[Attention]:
    cases = connection.attention.filter(settled_at=None)
    return list((cases.filter(kind=kind) if kind else cases).order_by("id")[:MOST_AT_ONCE])


def _look_again(connection: Connection, cases: Sequence[Attention], actor: str) -> None:
    """At the records of these cases; of those of campaigns, what failed is done once more."""
    with transaction.atomic():
        add_changes(connection, [_look_again_at(case) for case in cases if case.kind not in OF_CAMPAIGNS])
        try_again(connection, [case for case in cases if case.kind in OF_CAMPAIGNS], actor=actor)


def _look_again_at(attention: Attention) -> News:
    side = Side.OUTREACH if attention.prospect_id else Side.PIPEDRIVE
    entity = "prospect" if side is Side.OUTREACH else "person"
    return News(side, entity, attention.prospect_id or attention.person_id, action="check", source="retry")
