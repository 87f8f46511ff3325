"""The real engine on the real store, between two in-memory apps: what a worker does, step by step and without waiting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from tests.builders import make_connection, make_workspace
from tidegate.core.catalogue import Field, OutreachCatalogue, PipedriveCatalogue
from tidegate.core.planning import rules_of
from tidegate.core.records import (
    COMPANY,
    EMAIL,
    FIRST_NAME,
    JOB_TITLE,
    LAST_NAME,
    ORGANIZATION,
    PHONE,
    Record,
    Side,
)
from tidegate.core.settings import DEFAULT_MAPPINGS, SYSTEM_MAPPINGS, Direction, Settings, settings_to_json
from tidegate.core.transfer import USUAL, Include
from tidegate.core.values import Kind, Value
from tidegate.errors import LaneLost
from tidegate.ports import Hold
from tidegate.services.drain import Drained, drain
from tidegate.services.engine import Engine, Lane, Tries
from tidegate.services.index import bring_up_to_date
from tidegate.services.overlap import land
from tidegate.services.retrying import UNKNOWN_ANSWER_SECONDS
from tidegate.services.transfer import transfer_page
from tidegate.store.catalogues import catalogues_to_json, person_kinds
from tidegate.store.inbox import News, add_changes
from tidegate.store.memory import LaneMemory
from tidegate.store.models import Attention, Change, Connection, Intent, Link, LogEntry, Transfer
from tidegate.store.models import Lane as LaneRow
from tidegate.store.schedule import LaneSchedule
from tidegate.store.transfers import begin_preview, begin_transfer, begin_undo, run_previewed
from tidegate.testing.clock import ManualClock
from tidegate.testing.crm import MemoryCrm
from tidegate.testing.outreach import MemoryOutreach

PROSPECT_FIELDS = (
    Field(FIRST_NAME, "First name", Kind.TEXT),
    Field(LAST_NAME, "Last name", Kind.TEXT),
    Field(EMAIL, "E-mail", Kind.EMAIL),
    Field(COMPANY, "Company name", Kind.TEXT),
    Field(PHONE, "Phone", Kind.PHONE),
    Field(JOB_TITLE, "Job title", Kind.TEXT),
)
PERSON_FIELDS = (
    Field(FIRST_NAME, "First name", Kind.TEXT),
    Field(LAST_NAME, "Last name", Kind.TEXT),
    Field(EMAIL, "Email", Kind.EMAIL),
    Field(ORGANIZATION, "Organization", Kind.TEXT),
    Field(PHONE, "Phone", Kind.PHONE),
    Field(JOB_TITLE, "Job title", Kind.TEXT, max_length=255),
)


class NowClock(ManualClock):
    """The database stamps rows with the real time, so this clock begins there; it moves only when told."""

    def __init__(self) -> None:
        super().__init__(timezone.now())


class TestHold(Hold):
    __test__ = False

    def __init__(self, lane_id: int) -> None:
        row = LaneRow.objects.get(pk=lane_id)
        row.epoch += 1
        row.save(update_fields=["epoch"])
        self.lane_id, self.epoch, self.seen_alive_at = lane_id, row.epoch, 0.0

    def check(self) -> None:
        if LaneRow.objects.get(pk=self.lane_id).epoch != self.epoch:
            raise LaneLost

    def release(self) -> None:
        pass


@dataclass
class World:
    settings: Settings = field(
        default_factory=lambda: Settings(
            sync_to_list="1", owner_id="7", mappings=SYSTEM_MAPPINGS + DEFAULT_MAPPINGS
        )
    )
    memory_class: type[LaneMemory] = LaneMemory
    schedule_class: type[LaneSchedule] = LaneSchedule

    def __post_init__(self) -> None:
        self.clock = NowClock()
        self.tries: dict[tuple[str, str], Tries] = {}
        self.crm = MemoryCrm(PERSON_FIELDS, clock=self.clock)
        self.pipedrive_catalogue = PipedriveCatalogue(PERSON_FIELDS, tuple(self.crm.users))
        self._begin()

    def _begin(self) -> None:
        """Once there is a Pipedrive."""
        self.outreach = MemoryOutreach(PROSPECT_FIELDS, clock=self.clock)
        self.outreach_catalogue = OutreachCatalogue(PROSPECT_FIELDS, tuple(self.outreach.lists))
        self.connection = make_connection(
            make_workspace(),
            settings=self.settings,
            catalogue=catalogues_to_json(
                outreach=self.outreach_catalogue, pipedrive=self.pipedrive_catalogue
            ),
        )
        self.deliveries_taken = 0
        self.announcements_taken = 0

    # --- a worker

    def drain(self, *, rounds: int = 40) -> Drained:
        """Tell the inbox what happened, and work until nothing is due. Time passes where something must wait."""
        ended = Drained()
        for _ in range(rounds):
            told = self.tell()
            ended = async_to_sync(self._drain)()
            for awaited in (ended.wait_until, ended.looks_up_at):
                if awaited is not None:
                    self.clock.move((awaited - self.clock.now()).total_seconds() + 1)
            waiting = Change.objects.filter(connection=self.connection, done_at=None)
            if ended.looks_up_at is not None:
                continue
            if not told and not waiting.exists() and not self._transferring():
                return ended
            if Intent.objects.filter(connection=self.connection).exists():
                self.clock.move(
                    UNKNOWN_ANSWER_SECONDS
                )  # what became of a write without an answer is known by then
            waiting.update(due_at=timezone.now())  # the retry's time has come
            running = Transfer.objects.filter(connection=self.connection, state="running")
            running.update(put_off_until=None)  # and the next day's budget
        return ended

    def _transferring(self) -> bool:
        return Transfer.objects.filter(connection=self.connection, state__in=["running", "preview"]).exists()

    async def check(self) -> None:
        """The regular look for what webhooks missed, as upkeep does it."""
        await bring_up_to_date((await self._lane()).engines[0])

    def page(self) -> None:
        """One page of the transfer that runs, and no more."""
        async_to_sync(self._page)()

    async def _page(self) -> None:
        lane = await self._lane()
        serving = await _step(LaneSchedule().load, str(self.connection.pk))
        engine = lane.engines[0]
        engine.rules = serving.rules
        await transfer_page(engine, serving.transfer)
        await land(engine)

    def add_fields(self, prospects: Field, persons: Field) -> None:
        """Somebody makes a custom field on either side."""
        self.outreach.fields[prospects.key] = prospects
        self.crm.fields[persons.key] = persons
        self.pipedrive_catalogue = replace(self.pipedrive_catalogue, fields=tuple(self.crm.fields.values()))
        self.reread_catalogues()

    def reread_catalogues(self) -> None:
        """What a change of lists or fields in the outreach app brings about."""
        fields, lists = tuple(self.outreach.fields.values()), tuple(self.outreach.lists)
        self.outreach_catalogue = OutreachCatalogue(fields, lists)
        catalogue = catalogues_to_json(outreach=self.outreach_catalogue, pipedrive=self.pipedrive_catalogue)
        Connection.objects.filter(pk=self.connection.pk).update(catalogue=catalogue)

    async def _drain(self) -> Drained:
        return await drain(await self._lane(), self.schedule_class(), seconds=5)

    async def _lane(self) -> Lane:
        step = _step
        hold = await step(TestHold, self.connection.lane_id)
        kinds = person_kinds(self.pipedrive_catalogue)
        memory = self.memory_class(self.connection.lane_id, kinds)
        lane = Lane(
            self.connection.lane_id, hold, memory, self.clock, step, take_spent=dict, tries=self.tries
        )
        rules = rules_of(self.settings, self.outreach_catalogue, self.pipedrive_catalogue)
        lane.engines.append(
            Engine(str(self.connection.pk), rules, self.reached(self.crm), self.reached(self.outreach), lane)
        )
        return lane

    def reached(self, app: Any) -> Any:
        """An app as the worker reaches it."""
        return app

    def tell(self, *, twice: bool = False) -> int:
        """Put what both apps announced since the last time into the inbox, as webhooks and signals would."""
        deliveries = self.crm.deliveries[self.deliveries_taken :]
        announced = self.outreach.announced[self.announcements_taken :]
        self.deliveries_taken, self.announcements_taken = (
            len(self.crm.deliveries),
            len(self.outreach.announced),
        )
        news = [News(Side.OUTREACH, "prospect", i, source="store", actor="Alice") for i in announced]
        news += [
            News(
                Side.PIPEDRIVE,
                d.entity,
                d.id,
                action=d.action,
                source="webhook",
                body=d.body,
                merged_into=d.merged_into or "",
                before=d.before,
            )
            for d in deliveries
        ]
        for _ in range(2 if twice else 1):
            add_changes(self.connection, news, kinds=person_kinds(self.pipedrive_catalogue))
        return len(news)

    def transfer(
        self,
        direction: Direction = Direction.TO_PIPEDRIVE,
        source: Side | None = None,
        include: Include = USUAL,
    ) -> Transfer:
        return self._begun(begin_transfer, direction, source, include)

    def preview(
        self,
        direction: Direction = Direction.TO_PIPEDRIVE,
        source: Side | None = None,
        include: Include = USUAL,
    ) -> Transfer:
        return self._begun(begin_preview, direction, source, include)

    def _begun(
        self, begin: Callable[..., Transfer], direction: Direction, source: Side | None, include: Include
    ) -> Transfer:
        """What a lane in our hands makes of it. The sender is the source unless another one is given."""
        sender = Side.OUTREACH if direction is Direction.TO_PIPEDRIVE else Side.PIPEDRIVE
        begun = begin(
            self.connection,
            direction=direction,
            source_app=source or sender,
            total=None,
            actor="Alice",
            include=include,
        )
        self.drain()
        begun.refresh_from_db()
        return begun

    def run_previewed(self, preview: Transfer, *, records: Sequence[str] | None = None) -> None:
        run_previewed(preview, actor="Alice", records=records)
        self.drain()
        preview.refresh_from_db()

    def preview_undo(
        self, transfer: Transfer, *, delete: bool = True, records: Sequence[str] | None = None
    ) -> Transfer:
        undo = begin_undo(transfer, delete_created=delete, actor="Alice", records=records)
        self.drain()
        undo.refresh_from_db()
        return undo

    def undo(
        self, transfer: Transfer, *, delete: bool = True, records: Sequence[str] | None = None
    ) -> Transfer:
        """Preview and run."""
        undo = self.preview_undo(transfer, delete=delete, records=records)
        self.run_previewed(undo)
        transfer.refresh_from_db()
        return undo

    def take_as_known(self) -> None:
        """What exists before the launch is no news."""
        self.announcements_taken = len(self.outreach.announced)
        self.deliveries_taken = len(self.crm.deliveries)

    # --- what is there

    def persons(self) -> list[Record]:
        return [self.crm.person(i) for i in self.crm.person_ids]

    def prospects(self) -> list[Record]:
        return [self.outreach.record(i) for i in self.outreach.ids]

    def links(self) -> dict[str, str]:
        rows = Link.objects.filter(connection=self.connection).order_by("id")
        return dict(rows.values_list("prospect_id", "person_id"))

    def log(self, **wanted: Any) -> list[LogEntry]:
        return list(LogEntry.objects.filter(connection=self.connection, **wanted).order_by("id"))

    def questions(self) -> list[Attention]:
        return list(Attention.objects.filter(connection=self.connection, settled_at=None))

    def use(self, settings: Settings) -> None:
        """Save other settings."""
        self.settings = settings
        self.connection.settings = settings_to_json(settings)  # a transfer begins with those of this row
        self.connection.save(update_fields=["settings"])


async def _step(function: Any, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)


def prospect(name: str = "Signe Aaltonen", email: str | None = None, **more: Value) -> Mapping[str, Value]:
    first, _, last = name.partition(" ")
    address = email if email is not None else f"{first.lower()}@north.example"
    values: dict[str, Value] = {
        FIRST_NAME: first,
        LAST_NAME: last or None,
        EMAIL: (address,) if address else (),
    }
    return values | more
