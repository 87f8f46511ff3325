"""`tidegate worker`: does what waits in the lanes. Any number of workers, on any number of machines."""

import asyncio
import os
import signal
import socket
import time
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser
from procrastinate import App
from procrastinate.contrib.django import DjangoApp, app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector

from tidegate.cli.commands import TidegateCommand
from tidegate.cli.migrations import pending_migrations
from tidegate.config import config
from tidegate.wiring.lanes import close_network

TICK_SECONDS = 0.5
MOST_FROZEN_SECONDS = 5.0
"""Well below the 12 s after which the sweep takes a holder for frozen (`store.holds`)."""
FROZEN_EXIT = 75
NICENESS = 5
"""Where processors are scarce, pages and deliveries go first: ten slow answers to Pipedrive make a ban of half an hour."""


class Command(TidegateCommand):
    help = "Run one worker until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=config.worker_concurrency, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        if pending_migrations():
            raise CommandError("The database is of another version than this worker. Run: tidegate migrate")
        os.nice(NICENESS)
        try:
            asyncio.run(run_worker(options["concurrency"]))
        except (ConnectorException, psycopg.OperationalError) as error:
            said = " ".join(str(error.__cause__ or error).split())
            raise CommandError(f"The worker lost the database and ends: {said}") from error


class Frost:
    """Ends a worker that was frozen for so long that another one may have its lanes by now.

    Whatever it had begun would be sent late: calls whose place and hold were checked before the freeze. SIGCONT is handled
    before anything else runs, so nothing of it leaves; the supervisor starts the worker again.
    """

    def __init__(self) -> None:
        self.seen_alive_at = time.monotonic()

    async def tick(self) -> None:
        while True:
            self.seen_alive_at = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)

    def thawed(self, *_: object) -> None:
        frozen = time.monotonic() - self.seen_alive_at
        if frozen > MOST_FROZEN_SECONDS:
            os.write(
                2,
                f"This worker was frozen for {frozen:.0f} s and ends, so that nothing is sent late.\n".encode(),
            )
            os._exit(FROZEN_EXIT)


async def run_worker(concurrency: int) -> None:
    frost = Frost()
    signal.signal(signal.SIGCONT, frost.thawed)
    ticking = asyncio.create_task(frost.tick())
    try:
        await _run_worker(concurrency)
    finally:
        ticking.cancel()
        await close_network()


async def _run_worker(concurrency: int) -> None:
    async with worker_app().open_async() as opened:
        await opened.run_worker_async(name=f"{socket.gethostname()}:{os.getpid()}", concurrency=concurrency)


def worker_app() -> App:
    """The app of this process's worker loop, on connections of its own.

    `procrastinate.contrib.django.app` keeps Django's connection: what a task defers from a thread is part of that
    thread's transaction, here as in the web.
    """
    app.perform_import_paths()  # type: ignore[no-untyped-call]
    loop = DjangoApp(
        connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4),
        worker_defaults=app.worker_defaults,
    )
    loop.tasks = app.tasks
    loop.periodic_registry = app.periodic_registry
    return loop
