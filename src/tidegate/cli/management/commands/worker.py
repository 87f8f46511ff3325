"""`tidegate worker`: does what waits in the lanes. Any number of workers, on any number of machines."""

import asyncio
import os
import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from procrastinate import App
from procrastinate.contrib.django import DjangoApp, app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from tidegate.config import config


class Command(BaseCommand):
    help = "Run one worker until Ctrl-C."
    requires_system_checks = []
    suppressed_base_arguments = {"--version", "--settings", "--pythonpath", "--traceback", "--skip-checks"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=config.worker_concurrency, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(run_worker(options["concurrency"]))


async def run_worker(concurrency: int) -> None:
    async with worker_app().open_async() as opened:
        await opened.run_worker_async(name=f"{socket.gethostname()}:{os.getpid()}", concurrency=concurrency)


def worker_app() -> App:
    """The app of this process's worker loop, on connections of its own.

    `procrastinate.contrib.django.app` keeps Django's connection: what a task defers from a thread is part of that
    thread's transaction, here as in the web.
    """
    loop = DjangoApp(
        connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4),
        worker_defaults=app.worker_defaults,
    )
    loop.tasks = app.tasks
    loop.periodic_registry = app.periodic_registry
    return loop
