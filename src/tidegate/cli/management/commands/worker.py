"""`tidegate worker`: does what waits in the lanes. Any number of workers, on any number of machines."""

import asyncio
import os
import socket
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


class Command(TidegateCommand):
    help = "Run one worker until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=config.worker_concurrency, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        if pending_migrations():
            raise CommandError("The database is of another version than this worker. Run: tidegate migrate")
        try:
            asyncio.run(run_worker(options["concurrency"]))
        except (ConnectorException, psycopg.OperationalError) as error:
            said = " ".join(str(error.__cause__ or error).split())
            raise CommandError(f"The worker lost the database and ends: {said}") from error


async def run_worker(concurrency: int) -> None:
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
