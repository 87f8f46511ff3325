"""What a lane has to do: its live connections, running transfers and waits, and how a connection is stopped."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from tidegate.core.brakes import Brake, missing_from
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.planning import Rules, owner_of, rules_of
from tidegate.core.records import Side
from tidegate.core.runs import CampaignRules, account_zone
from tidegate.core.settings import Settings, active_automations, settings_from_json
from tidegate.errors import LaneLost
from tidegate.ports import Schedule, Serving, Stopped, TransferState
from tidegate.store.catalogues import outreach_catalogue, pipedrive_catalogue, store_catalogues
from tidegate.store.halts import keep_halt
from tidegate.store.models import Change, Connection, Lane, PreviewClaim, Transfer
from tidegate.store.sameness import due_check, put_off_check
from tidegate.store.schema_watch import watch_settings
from tidegate.store.transfers import note_wait, stop_transfers
from tidegate.store.wakes import wake_lane
from tidegate.words import say

log = logging.getLogger(__name__)

PARTS = {"fields": say("fields"), "users": say("users"), "pipelines": say("pipelines")}


class LaneSchedule(Schedule):
    def load(self, connection_id: str) -> Serving:
        connection = Connection.objects.filter(pk=connection_id).first()
        if connection is None:
            raise LaneLost(say("This connection was deleted."))
        transfer = _transfer_at_work(connection)
        settings = settings_from_json(transfer.settings) if transfer else connection.get_settings()
        rules = rules_in_force(connection, settings)
        preview = _due_previews().filter(connection=connection).first()
        return Serving(
            Status(connection.status),
            rules,
            campaign_rules(connection),
            transfer=_state_of(transfer) if transfer and not _is_put_off(transfer) else None,
            preview=_state_of(preview) if preview else None,
            preview_rules=rules_in_force(connection, settings_from_json(preview.settings))
            if preview
            else None,
            passed_upto=connection.passed_upto,
            left_upto=connection.left_upto,
            check=due_check(connection) if connection.status == Status.ACTIVE else None,
        )

    def end_preview(self, preview_id: str, reason: str) -> None:
        with transaction.atomic():
            fail_previews(Transfer.objects.filter(pk=preview_id), reason)

    def stop(self, connection_id: str, status: Status, reason: Reason, text: str) -> None:
        log.warning("Connection %s was stopped: %s", connection_id, text)
        with transaction.atomic():
            Connection.objects.filter(pk=connection_id).update(
                status=status.value, reason=reason.value, reason_text=text, before_syncing=""
            )
            transfers = Transfer.objects.filter(connection_id=connection_id)
            stop_transfers(transfers, text)
            fail_previews(transfers, text)

    def halt(self, connection_id: str, stopped: Stopped) -> None:
        keep_halt(connection_id, stopped)

    def learn_catalogue(self, connection_id: str, catalogue: PipedriveCatalogue) -> None:
        connection = Connection.objects.get(pk=connection_id)
        missing = missing_from(pipedrive_catalogue(connection), catalogue)
        if missing and connection.get_settings().brakes.on:
            text = say(
                "Pipedrive suddenly offers no {what}. What was known before is kept.", what=_none_of(missing)
            )
            keep_halt(connection_id, Stopped(Brake.CATALOGUE, text))
            return
        store_catalogues(connection, pipedrive=catalogue)
        watch_settings(connection)

    def wait(self, lane_id: int, until: datetime, reason: str) -> None:
        with transaction.atomic():
            Lane.objects.filter(pk=lane_id).update(wait_until=until, wait_reason=reason)
            note_wait(Transfer.objects.filter(connection__lane=lane_id), reason)
            wake_lane(lane_id, at=until)

    def put_off_check(self, connection_id: str, until: datetime) -> None:
        put_off_check(connection_id, until)

    def put_off_transfer(self, transfer_id: str, until: datetime, reason: str) -> None:
        with transaction.atomic():
            rows = Transfer.objects.filter(pk=transfer_id, state__in=["preview", "running"])
            rows.update(put_off_until=until, state_text=reason)
            note_wait(rows, reason)
            wake_lane(
                Transfer.objects.select_related("connection").get(pk=transfer_id).connection.lane_id, at=until
            )


def _transfer_at_work(connection: Connection) -> Transfer | None:
    """Somebody may have paused or resumed in the moment a transfer began: live sync keeps its own settings then."""
    if connection.status != Status.SYNCING:
        return None
    return Transfer.objects.filter(connection=connection, state="running").first()


def fail_previews(of: "models.QuerySet[Transfer]", text: str) -> None:
    """End those of them that are being planned. What they claimed has done its work."""
    PreviewClaim.objects.filter(transfer__in=of.filter(state="preview")).delete()
    of.filter(state="preview").update(state="failed", state_text=text, finished_at=timezone.now())


def rules_in_force(connection: Connection, settings: Settings) -> Rules:
    """What these settings mean by the catalogues as they were read last, in the workspace's country."""
    return rules_of(
        settings,
        outreach_catalogue(connection),
        pipedrive_catalogue(connection),
        country=connection.workspace.country,
    )


def campaign_rules(connection: Connection, settings: Settings | None = None) -> CampaignRules:
    """What the settings (the stored ones, unless others are given) say about campaign events, by the catalogue as it was
    read last.
    """
    settings, pipedrive = settings or connection.get_settings(), pipedrive_catalogue(connection)
    to_pipedrive = settings.direction.flows_to(Side.PIPEDRIVE)
    return CampaignRules(
        automations=active_automations(settings, pipedrive),
        history=to_pipedrive and settings.include_email_history,
        history_events=settings.history_events,
        unsubscribes=to_pipedrive and settings.unsubscribe_in_pipedrive,
        owner_id=owner_of(settings, pipedrive),
        launched_at=connection.launched_at,
        zone=account_zone(pipedrive, connection.workspace.time_zone),
        pipedrive=pipedrive,
    )


def _due_previews() -> "models.QuerySet[Transfer]":
    """A preview needs no running connection: it comes before the launch, too. It waits while a transfer runs."""
    due = _not_put_off().filter(state="preview", connection__disconnected_at=None)
    return due.exclude(connection__status=Status.SYNCING)


def _not_put_off() -> "models.QuerySet[Transfer]":
    return Transfer.objects.filter(Q(put_off_until=None) | Q(put_off_until__lte=timezone.now()))


def _is_put_off(transfer: Transfer) -> bool:
    return transfer.put_off_until is not None and transfer.put_off_until > timezone.now()


def _state_of(transfer: Transfer) -> TransferState:
    return TransferState(
        id=str(transfer.pk),
        connection_id=str(transfer.connection_id),
        direction=transfer.direction,
        source_app=Side(transfer.source_app),
        cursor=transfer.cursor,
        page=transfer.page,
        settings=transfer.settings,
        actor=transfer.created_by,
        picked=transfer.picked,
        undoes=str(transfer.undoes_id) if transfer.undoes_id else None,
        past_emails=transfer.past_emails,
        delete_created=transfer.delete_created,
    )


def connections_at_work(lane_id: int) -> list[Connection]:
    """The connections of a lane that follow changes or transfer, oldest first."""
    live = Connection.objects.filter(lane_id=lane_id, disconnected_at=None)
    previewing = _due_previews().values("connection_id")
    at_work = Q(status__in=[Status.ACTIVE, Status.SYNCING]) | Q(pk__in=previewing)
    return list(live.filter(at_work).order_by("created_at"))


def must_wait(lane_id: int) -> datetime | None:
    """Until when nothing may be done for this lane; None when it may work."""
    lane = Lane.objects.get(pk=lane_id)
    return lane.wait_until if lane.wait_until and lane.wait_until > timezone.now() else None


def has_due_work(lane_id: int) -> bool:
    return lanes_with_due_work().filter(pk=lane_id).exists()


def lanes_with_due_work() -> "models.QuerySet[Lane]":
    """Lanes with a due change of an active connection or a transfer that goes on now, and nothing to wait for."""
    now = timezone.now()
    due = Change.objects.filter(done_at=None, due_at__lte=now, connection__status=Status.ACTIVE)
    running = _not_put_off().filter(state="running", connection__status=Status.SYNCING)
    return Lane.objects.filter(
        Q(wait_until=None) | Q(wait_until__lte=now),
        Q(pk__in=due.values("lane_id"))
        | Q(pk__in=running.values("connection__lane_id"))
        | Q(pk__in=_due_previews().values("connection__lane_id")),
    )


def _none_of(missing: Sequence[str]) -> str:
    first, *others = missing
    if others:
        return say("{what} and no {rest}", what=PARTS[first], rest=_none_of(others))
    return PARTS[first]


def next_due_at(lane_id: int) -> datetime | None:
    """When the next change that was put off falls due."""
    rows = Change.objects.filter(lane_id=lane_id, done_at=None, connection__status=Status.ACTIVE)
    return rows.order_by("due_at").values_list("due_at", flat=True).first()
