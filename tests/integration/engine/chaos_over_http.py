"""The same chaos with Pipedrive at the other end of a network: the sandbox over HTTP, with its faults, webhooks and clock.

People's deeds, the inbox, what must be true in the end and how it is drawn are those of `chaos`. What differs: calls meet
429, 5xx, resets and lost answers; webhooks are delivered over HTTP and come late, doubled, shuffled or not at all, their
address is down now and then, and Pipedrive bans or removes them; the database goes away in the middle of a commit.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any
from unittest import mock

import orjson
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.utils import timezone

from tests.integration.engine.chaos import SETTINGS, ChaosWorld, Episode
from tests.integration.engine.mortality import Countdown
from tests.integration.engine.remote_pipedrive import RemotePipedrive
from tests.integration.engine.world import _step
from tidegate.adapters.pipedrive.webhooks import read_delivery
from tidegate.config import config
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.records import JOB_TITLE, Record, Side
from tidegate.errors import TemporaryError
from tidegate.services.drain import Drained, drain
from tidegate.services.index import bring_up_to_date
from tidegate.store.inbox import News
from tidegate.store.models import Connection
from tidegate.store.secrets import encrypt
from tidegate.wiring import receive, upkeep
from tidegate.wiring.steps import request_step
from tidegate.wiring.upkeep import keep_up

COMMITS = ("before commit", "after commit")
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "error", "status": 429},
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 503},
    {"kind": "reset"},
    {"kind": "lost_answer"},
    {"kind": "late", "seconds": 4.0},
    {"kind": "late", "seconds": 9.0},
    {"kind": "block_page"},
)
CALLS = (
    "POST /api/v2/persons",
    "PATCH /api/v2/persons/*",
    "POST /api/v2/organizations",
    "GET /api/v2/persons*",
    "GET /api/v2/organizations*",
    "* /api/v1/webhooks*",
    "* *",
)
BAN = 1900.0
"""Seconds after which no webhook is banned any more."""


@dataclass
class Ends(Countdown):
    """Ends the worker as ever; and loses the database at so many commits from now."""

    database_left: int = 0

    def __call__(self, point: str) -> None:
        super().__call__(point)
        if point in COMMITS:
            self.database_left -= 1
            if self.database_left == 0:
                raise OperationalError("The server closed the connection unexpectedly.")


@dataclass
class RemoteWorld(ChaosWorld):
    """A world whose Pipedrive is the sandbox, and whose worker does what a worker does: its upkeep, then the lane."""

    remote: RemotePipedrive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = Connection.objects.filter(pk=self.connection.pk)
        rows.update(hook_secret=encrypt("secret"), catalogue_read_at=timezone.now(), pipedrive_user_id="1")
        self.connection.refresh_from_db()
        self.delivered_once = 0

    def make_countdown(self) -> Countdown:
        self.ends = Ends()
        return self.ends

    def _begin(self) -> None:
        assert self.remote is not None
        self.crm = self.remote  # type: ignore[assignment]
        self.clock = self.remote.clock  # type: ignore[assignment]
        self.pipedrive_catalogue: PipedriveCatalogue = async_to_sync(self.remote.use)(
            self.remote.read_catalogue
        )
        self.remote.learn(self.pipedrive_catalogue)
        super()._begin()

    @property
    def pipedrive(self) -> RemotePipedrive:
        assert self.remote is not None
        return self.remote

    def persons(self) -> list[Record]:
        return self.pipedrive.persons()

    def spent(self) -> tuple[int, int]:
        return self.pipedrive.tokens, self.pipedrive.write_calls

    # --- a worker

    async def _drain(self) -> Drained:
        try:
            return await self.pipedrive.use(self._work)
        except (
            TemporaryError,
            OperationalError,
        ):  # the job fails, and the lane waits a little: `wiring.lanes`
            return Drained(wait_until=self.clock.now() + timedelta(seconds=30))

    async def _work(self) -> Drained:
        lane = await self._lane()
        row = await _step(Connection.objects.select_related("lane").get, pk=self.connection.pk)
        if row.is_live:
            await keep_up(row, lane.engines[0])
        return await drain(lane, self.schedule_class(), seconds=30)

    async def check(self) -> None:
        async def look() -> None:
            await bring_up_to_date((await self._lane()).engines[0])

        await self.pipedrive.use(look)

    # --- what Pipedrive tells

    def tell(self, *, twice: bool = False) -> int:
        return super().tell() + self._receive()

    def _news_of_persons(self) -> list[News]:
        return []  # they come over HTTP

    def _receive(self) -> int:
        """What was delivered meanwhile goes the way of any delivery. What is delivered again has a new id, as at Pipedrive."""
        self.pipedrive.deliver()
        arrived = self.pipedrive.deliveries
        first, self.deliveries_taken = self.deliveries_taken, len(arrived)
        for number, (authorization, body) in enumerate(arrived[first:], start=first):
            told = orjson.loads(body)
            if number < self.delivered_once:
                told["meta"]["id"] = f"again-{next(self.again)}"
            for happening in read_delivery(body, self.pipedrive_catalogue.fields):
                self.note_told(happening.record_id, happening.before if happening.by_program else None)
            receive.receive_delivery(self.connection.hook_token, authorization, orjson.dumps(told))
        self.delivered_once = max(self.delivered_once, len(arrived))
        return len(arrived) - first

    again = count()


class RemoteEpisode(Episode):
    """One drawn history, played against the sandbox. Use it as a context: it has a server and a clock of its own."""

    world: RemoteWorld

    def __init__(self, seed: str) -> None:
        self._left = ExitStack()
        self.remote = self._left.enter_context(RemotePipedrive(Random(f"{seed} network")))
        try:
            self._left.enter_context(mock.patch.object(timezone, "now", self.remote.clock.now))
            self._left.enter_context(mock.patch.object(upkeep, "worker_step", request_step))
            reached = replace(config, public_url=self.remote.hook_host)
            self._left.enter_context(mock.patch.object(upkeep, "config", reached))
            super().__init__(seed)
        except BaseException:
            self._left.close()
            raise

    def __enter__(self) -> "RemoteEpisode":
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def make_world(self) -> ChaosWorld:
        return RemoteWorld(settings=replace(SETTINGS, owner_id="1"), random=self.random, remote=self.remote)

    def run(self, steps: int) -> None:
        """Whatever is drawn, one call at least meets a fault."""
        self.remote.fail(kind="error", status=503, calls="* *", times=1)
        super().run(steps)

    def deeds(self) -> dict[Callable[[], None], int]:
        return super().deeds() | {
            self.fail_something: 12,
            self.deliver_badly: 5,
            self.close_address: 2,
            self.open_address: 4,
            self.lose_webhook: 1,
            self.lose_database: 5,
            self.let_half_an_hour_pass: 1,
        }

    def edit_many(self) -> None:
        """In Pipedrive's list view, whose webhooks say that they are of a bulk edit."""
        title = f"Title{next(self.numbers)}"
        for person_id in self.remote.person_ids[:20]:
            values = {JOB_TITLE: title}
            self.remote.edit_person(person_id, values, bulk=True)
            self._typed(Side.PIPEDRIVE, person_id, values)
        self.tell("all persons in view get the title", title)

    def fail_something(self) -> None:
        fault = {**self.random.choice(FAULTS), "calls": self.random.choice(CALLS)}
        self.remote.fail(**fault, times=self.random.randint(1, 4))
        self.tell("a fault:", fault)

    def deliver_badly(self) -> None:
        switches = {
            "webhook_drop": self.random.choice((0.0, 0.2)),
            "webhook_duplicate": self.random.choice((0.0, 0.3)),
            "webhook_delay": self.random.choice((0.0, 45.0)),
            "webhook_shuffle": self.random.random() < 0.5,
        }
        self.remote.deliver_badly(**switches)
        self.tell("webhooks:", switches)

    def close_address(self) -> None:
        self.remote.address.status = self.random.choice((302, 500))
        self.tell("our address answers", self.remote.address.status)

    def open_address(self) -> None:
        self.remote.address.status = 200
        self.tell("our address answers")

    def lose_webhook(self) -> None:
        self.tell("Pipedrive removes the webhook of", self.remote.remove_webhook())

    def lose_database(self) -> None:
        self.world.ends.database_left = self.random.randint(1, 6)
        self.tell("the database goes away at commit", self.world.ends.database_left)

    def let_half_an_hour_pass(self) -> None:
        self.remote.move(BAN)

    def settle(self) -> None:
        self.remote.heal()
        self.world.ends.database_left = 0
        self.remote.move(BAN)
        super().settle()
