"""The Memory port on PostgreSQL: what the engine remembers of one lane, and the one transaction that ends a batch."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from tidegate.core.brakes import Tally
from tidegate.core.cases import AUTOMATION, OF_CAMPAIGNS
from tidegate.core.overtaken import OurWrite
from tidegate.core.quarrels import Past
from tidegate.core.records import Record, Side
from tidegate.core.values import Kind
from tidegate.ports import (
    Change,
    CheckPage,
    CheckState,
    DoneRow,
    EmailActivityRow,
    Hold,
    IndexState,
    Intent,
    LogLine,
    Memory,
    Organization,
    PreviewPage,
    Question,
    Results,
    RunToBegin,
    StoredLink,
    StoredRun,
    TransferState,
)
from tidegate.store import (
    cases,
    hearing,
    identities,
    inbox,
    intents,
    links,
    mirror,
    models,
    overtaken,
    pace,
    quarrels,
    runs,
    sameness,
    transfer_pages,
    webhook_doubts,
)
from tidegate.store.holds import fence
from tidegate.store.rows import put_rows
from tidegate.words import say

Spent = Mapping[str, tuple[int, int]]


class LaneMemory(Memory):
    def __init__(self, lane_id: int, kinds: Mapping[str, Kind]) -> None:
        self.lane_id = lane_id
        self.kinds = kinds
        """Of Pipedrive's fields, for what is kept as JSON."""

    def take_changes(self, connection_id: str, limit: int) -> list[Change]:
        return inbox.take_changes(connection_id, limit)

    def take_campaign_changes(self, connection_id: str, entity: str, limit: int) -> list[Change]:
        return inbox.take_campaign_changes(connection_id, entity, limit)

    def runs_of(self, connection_id: str, prospect_ids: Collection[str]) -> list[StoredRun]:
        return runs.runs_of(connection_id, prospect_ids)

    def events_begun(self, connection_id: str, event_ids: Collection[str]) -> set[str]:
        return runs.events_begun(connection_id, event_ids)

    def begin_runs(self, connection_id: str, begun: Sequence[RunToBegin], hold: Hold) -> None:
        runs.begin_runs(connection_id, begun, hold)

    def email_activities(self, connection_id: str, email_ids: Collection[str]) -> dict[str, EmailActivityRow]:
        return runs.email_activities(connection_id, email_ids)

    def known_sales(self, *, deal_ids: Collection[str] = (), activity_ids: Collection[str] = ()) -> set[str]:
        return runs.known_sales(self.lane_id, deal_ids=deal_ids, activity_ids=activity_ids)

    def peek_changes(self, connection_id: str, *, after: int, limit: int) -> list[Change]:
        return inbox.peek_changes(connection_id, after=after, limit=limit)

    def put_off_events(self, connection_id: str) -> dict[str, datetime]:
        return inbox.put_off_events(connection_id)

    def count_waiting(self, connection_id: str, *, after: int) -> tuple[int, int]:
        return inbox.count_waiting(connection_id, after=after)

    def waiting_again(
        self, connection_id: str, records: Collection[tuple[Side, str]], *, after: int
    ) -> set[tuple[Side, str]]:
        return inbox.waiting_again(connection_id, records, after=after)

    def written_lately(self, connection_id: str, minutes: int) -> Tally:
        return pace.written_lately(connection_id, minutes)

    def count_linked(self, connection_id: str) -> int:
        return links.count_linked(connection_id)

    def links_of(
        self, connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
    ) -> list[StoredLink]:
        return links.links_of(connection_id, prospect_ids=prospect_ids, person_ids=person_ids)

    def linked_persons(self, connection_id: str, person_ids: Collection[str]) -> dict[str, str]:
        return links.linked_persons(connection_id, person_ids)

    def kept_apart(
        self, connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
    ) -> set[tuple[str, str]]:
        return identities.kept_apart(connection_id, prospect_ids=prospect_ids, person_ids=person_ids)

    def survivors(self, person_ids: Collection[str]) -> dict[str, str]:
        return identities.survivors(self.lane_id, person_ids)

    def holders(self, addresses: Collection[str]) -> dict[str, tuple[str, ...]]:
        return mirror.holders(self.lane_id, addresses)

    def mirrored(self, person_ids: Collection[str]) -> dict[str, Record]:
        return mirror.mirrored(self.lane_id, person_ids)

    def last_changes(self, person_ids: Collection[str]) -> dict[str, datetime | None]:
        return mirror.last_changes(self.lane_id, person_ids)

    def organization_names(self, ids: Collection[str]) -> dict[str, str]:
        return mirror.organization_names(self.lane_id, ids)

    def organizations_named(self, names: Collection[str]) -> dict[str, Organization]:
        return mirror.organizations_named(self.lane_id, names)

    def persons_named(self, name: str, since: datetime) -> list[Record]:
        return mirror.persons_named(self.lane_id, name, since)

    def past_writes(self, connection_id: str, prospect_ids: Collection[str]) -> dict[str, Past]:
        return quarrels.past_writes(connection_id, prospect_ids)

    def writes_to_persons(
        self, connection_id: str, person_ids: Collection[str], *, since: datetime
    ) -> dict[str, list[OurWrite]]:
        return overtaken.writes_to_persons(connection_id, person_ids, since=since)

    def ask_to_look(self, connection_id: str, person_ids: Sequence[str], *, source: str, hold: Hold) -> None:
        with transaction.atomic():
            fence(hold)
            _look_at(connection_id, person_ids, source=source, actor="")

    def unheard(self, connection_id: str, changed: Mapping[str, datetime]) -> set[str]:
        return hearing.unheard(self.lane_id, connection_id, changed)

    def ask_absent_to_look(
        self, present: Collection[str], changed: Mapping[str, datetime], *, hold: Hold
    ) -> None:
        absent = hearing.absent(self.lane_id, present) if changed else []
        if not absent:  # as in nearly every company, before every batch
            return
        with transaction.atomic():
            fence(hold)
            for connection_id in absent:
                ids = sorted(changed.keys() - hearing.heard(connection_id, changed))
                _look_at(connection_id, ids, source="catchup", actor="")

    def doubt_webhooks(self, connection_id: str, missed: Mapping[str, datetime], *, hold: Hold) -> None:
        with transaction.atomic():
            fence(hold)
            webhook_doubts.doubt(connection_id, missed)

    # --- how far the mirror reaches

    def index_state(self, entity: str) -> IndexState:
        lane = models.Lane.objects.get(pk=self.lane_id)
        return IndexState(
            complete=getattr(lane, f"{entity}_walked_at") is not None,
            cursor=getattr(lane, f"{entity}_cursor"),
            high_water=getattr(lane, f"{entity}_high_water"),
        )

    def save_index(
        self,
        entity: str,
        state: IndexState,
        *,
        persons: Sequence[Record] = (),
        organizations: Sequence[Organization] = (),
        hold: Hold,
    ) -> None:
        with transaction.atomic():
            fence(hold)
            mirror.save_persons(self.lane_id, persons, self.kinds)
            renamed = mirror.save_organizations(self.lane_id, organizations)
            _look_at_persons_of(self.lane_id, renamed)
            lane = models.Lane.objects.get(pk=self.lane_id)
            setattr(lane, f"{entity}_cursor", state.cursor)
            setattr(lane, f"{entity}_high_water", state.high_water)
            if state.complete and getattr(lane, f"{entity}_walked_at") is None:
                setattr(lane, f"{entity}_walked_at", timezone.now())
            lane.save(update_fields=[f"{entity}_cursor", f"{entity}_high_water", f"{entity}_walked_at"])

    # --- intents

    def open_intents(self, connection_id: str) -> list[Intent]:
        return intents.open_intents(connection_id)

    def write_intents(self, connection_id: str, written: Sequence[Intent], hold: Hold) -> None:
        with transaction.atomic():
            fence(hold)
            intents.write_down(self.lane_id, connection_id, written)

    def give_up_intents(
        self, connection_id: str, keys: Sequence[tuple[str, str]], at: datetime, hold: Hold
    ) -> None:
        with transaction.atomic():
            fence(hold)
            intents.give_up(connection_id, keys, at)

    def drop_intents(self, connection_id: str, keys: Sequence[tuple[str, str]], hold: Hold) -> None:
        with transaction.atomic():
            fence(hold)
            intents.drop(connection_id, keys)

    # --- the end of a batch

    def commit(self, connection_id: str, results: Results, hold: Hold, *, spent: Spent) -> None:
        with transaction.atomic():
            fence(hold)
            self._store(connection_id, results, spent, transfer_id=None)

    def settled_records(self, transfer_id: str, source_ids: Collection[str]) -> set[str]:
        return transfer_pages.settled_records(transfer_id, source_ids)

    def waiting_records(self, transfer_id: str, limit: int) -> list[str]:
        return transfer_pages.waiting_records(transfer_id, limit)

    def done_records(self, undo: TransferState, after: int, limit: int) -> list[DoneRow]:
        return transfer_pages.done_records(undo, after, limit)

    def organizations_made(self, undo: TransferState, after: int, limit: int) -> list[Organization]:
        return transfer_pages.organizations_made(undo, after, limit)

    def commit_page(
        self, transfer: TransferState, results: Results, hold: Hold, *, cursor: str | None, spent: Spent
    ) -> None:
        with transaction.atomic():
            fence(hold)
            self._store(transfer.connection_id, results, spent, transfer_id=transfer.id)
            transfer_pages.store_outcomes(transfer, results.outcomes)
            transfer_pages.store_organizations(transfer, results.organizations)
            tokens = sum(tokens for tokens, _ in spent.values())
            transfer_pages.advance(transfer, results.outcomes, cursor, tokens=tokens)

    def claimed(self, transfer_id: str, kind: str, keys: Collection[str]) -> dict[str, str]:
        rows = models.PreviewClaim.objects.filter(transfer_id=transfer_id, kind=kind, key__in=list(keys))
        return dict(rows.values_list("key", "holder"))

    def claims_held(self, transfer_id: str, kind: str, holders: Collection[str]) -> dict[str, int]:
        rows = models.PreviewClaim.objects.filter(
            transfer_id=transfer_id, kind=kind, holder__in=list(holders)
        )
        return dict(rows.values_list("holder").annotate(n=Count("id")).order_by("holder"))

    def commit_check(
        self, state: CheckState, page: CheckPage, hold: Hold, *, cursor: str | None, spent: Spent
    ) -> None:
        with transaction.atomic():
            fence(hold)
            add_spent(self.lane_id, spent)
            look_at = sameness.store_page(self.lane_id, state, page, cursor)
            _look_at(state.connection_id, look_at, source="check", actor="")

    def commit_preview(
        self, preview: TransferState, page: PreviewPage, hold: Hold, *, cursor: str | None, spent: Spent
    ) -> None:
        with transaction.atomic():
            fence(hold)
            add_spent(self.lane_id, spent)
            row = models.Transfer.objects.select_for_update().get(pk=preview.id)
            if row.state != "preview":
                return  # cancelled meanwhile
            transfer_pages.store_outcomes(preview, page.outcomes)
            transfer_pages.store_claims(preview.id, page)
            tokens = sum(tokens for tokens, _ in spent.values())
            transfer_pages.advance_preview(row, page, cursor, tokens=tokens)

    def _store(self, connection_id: str, results: Results, spent: Spent, *, transfer_id: str | None) -> None:
        links.save_links(connection_id, results.links)
        links.drop_links(connection_id, results.links_gone)
        mirror.save_organizations(self.lane_id, results.organizations)
        mirror.forget_organizations(self.lane_id, results.organizations_gone)
        mirror.save_persons(self.lane_id, results.persons, self.kinds)
        mirror.forget_persons(self.lane_id, results.persons_gone)
        identities.keep_aliases(self.lane_id, results.merged)
        _log(connection_id, results.log, transfer_id)
        _settle(connection_id, results.settled, asked=results.questions)
        _ask(connection_id, results.questions)
        intents.drop(connection_id, results.intents_done)
        runs.save_actions(results.actions)
        runs.tell_more(connection_id, results.told_more)
        ended = runs.give_up(connection_id, results.given_up)
        _log(connection_id, [run.line for run in ended], transfer_id)
        cases.mend(connection_id, [*results.mended, *((AUTOMATION, str(run.id)) for run in ended)])
        runs.save_email_activities(connection_id, results.email_activities)
        inbox.finish_changes(results.done, results.later)
        runs.plan_looks(connection_id, results.looks)
        _look_at_consents(connection_id, results.closed)
        _look_at(connection_id, results.follow_up, source="merge", actor=say("Merged in Pipedrive"))
        add_spent(self.lane_id, spent)


def _look_at_persons_of(lane_id: int, organization_ids: Collection[str]) -> None:
    """A person does not change when its organization gets another name, so nothing else would tell of it."""
    person_ids = mirror.persons_of_organizations(lane_id, organization_ids) if organization_ids else []
    if person_ids:
        launched = models.Connection.objects.filter(lane_id=lane_id, disconnected_at=None)
        for connection in launched.exclude(launched_at=None):
            _look_at(
                str(connection.pk),
                person_ids,
                source="organization",
                actor=say("Organization renamed in Pipedrive"),
            )


def _look_at(connection_id: str, person_ids: Sequence[str], *, source: str, actor: str) -> None:
    if person_ids:
        connection = models.Connection.objects.get(pk=connection_id)
        looks = [
            inbox.News(Side.PIPEDRIVE, "person", i, action="check", source=source, actor=actor)
            for i in person_ids
        ]
        inbox.add_changes(connection, looks)


def _look_at_consents(connection_id: str, prospect_ids: Sequence[str]) -> None:
    if prospect_ids:
        looks = [inbox.closed_consent(prospect_id) for prospect_id in prospect_ids]
        inbox.add_changes(models.Connection.objects.get(pk=connection_id), looks)


def _log(connection_id: str, lines: Sequence[LogLine], transfer_id: str | None) -> None:
    now = timezone.now()
    put_rows(
        models.LogEntry,
        [
            {
                "connection_id": connection_id,
                "at": now,
                "transfer_id": transfer_id,
                "side": line.side.value,
                "act": line.act,
                "prospect_id": line.prospect_id,
                "person_id": line.person_id,
                "record_name": line.record_name[:300],
                "changes": line.changes,
                "cause": line.cause,
                "cause_text": line.cause_text[:300],
                "message": line.message,
                "tokens": line.tokens,
                "seconds": line.seconds,
            }
            for line in lines
        ],
    )


def _ask(connection_id: str, questions: Sequence[Question]) -> None:
    """One open row per kind and pair: asking again renews the words, adds to what it holds, and doubles nothing."""
    for question in questions:
        place: dict[str, Any] = {
            "connection_id": connection_id,
            "kind": question.kind,
            "prospect_id": question.prospect_id,
            "person_id": question.person_id,
            "settled_at": None,
        }
        before = models.Attention.objects.filter(**place).first()
        models.Attention.objects.update_or_create(
            **place,
            defaults={
                "side": question.side.value if question.side else "",
                "record_name": question.record_name[:300],
                "message": question.message,
                "cure": question.cure,
                "facts": cases.facts_with(before, question),
                "details": cases.details_with(before, question),
                "tried_at": timezone.now(),
            },
        )


def _settle(connection_id: str, pairs: Sequence[tuple[str, str]], *, asked: Sequence[Question]) -> None:
    """What waited for these records is settled by a write that went through; what is asked again stays open.

    What of a campaign could not be written waits for something else: `cases.mend`.
    """
    rows = models.Attention.objects.filter(connection_id=connection_id, settled_at=None)
    rows = rows.exclude(kind__in=OF_CAMPAIGNS)
    if not pairs or not rows.exists():
        return
    again = Q(pk__in=())
    for question in asked:
        again |= Q(kind=question.kind, prospect_id=question.prospect_id, person_id=question.person_id)
    for column, ids in (
        ("prospect_id", [p for p, _ in pairs if p]),
        ("person_id", [p for _, p in pairs if p]),
    ):
        settled = rows.filter(**{f"{column}__in": ids}).exclude(again)
        settled.update(settled_at=timezone.now(), settled_by="sync")


def add_spent(lane_id: int, spent: Spent) -> None:
    """Book tokens and requests on today's page of the ledger (UTC, as Pipedrive's budget day is taken to be)."""
    today = timezone.now().date()
    with database.cursor() as cursor:
        for feature, (tokens, requests) in spent.items():
            if requests:
                cursor.execute(
                    "INSERT INTO store_ledgerday (lane_id, day, feature, tokens, requests) VALUES (%s, %s, %s, %s, %s) "
                    "ON CONFLICT (lane_id, day, feature) DO UPDATE SET tokens = store_ledgerday.tokens + EXCLUDED.tokens, "
                    "requests = store_ledgerday.requests + EXCLUDED.requests",
                    [lane_id, today, feature, tokens, requests],
                )
