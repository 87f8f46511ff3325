"""`tidegate transfer`: transfers existing records between the store and Pipedrive, or watches a transfer that runs."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tidegate.cli.commands import TidegateCommand, plain_errors
from tidegate.cli.workspaces import add_connection_option, choose_connection
from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.store.models import Connection, Transfer
from tidegate.wiring import actions

ONE_WAY = (Direction.TO_PIPEDRIVE.value, Direction.FROM_PIPEDRIVE.value)
LOOK_EVERY = 1.0
"""Seconds."""


class Command(TidegateCommand):
    help = "Transfer existing records in one direction; a worker does it. Ctrl-C ends the watching, not the transfer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--direction", choices=ONE_WAY, help="start a transfer this way")
        parser.add_argument(
            "--source-app", choices=[s.value for s in Side], help="whose values win; the sender's"
        )
        parser.add_argument("--preview", action="store_true", help="only plan it: nothing is written")
        parser.add_argument("--watch", action="store_true", help="show its progress until it ends")
        add_connection_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = choose_connection(options["connection"])
        if options["direction"]:
            transfer = start(
                connection, options["direction"], options["source_app"], preview=options["preview"]
            )
            self.stdout.write(f"Started: {transfer.direction}, {transfer.total or 'all'} records.")
        else:
            transfer = latest(connection)
        if options["watch"]:
            watch(transfer, Console(file=self.stdout))  # type: ignore[arg-type]  # written to like any text file
        self.stdout.write(summary(transfer))
        if transfer.state == "ready":
            self.stdout.write(price(transfer))
        if transfer.state == "failed":
            raise CommandError(transfer.state_text or "The transfer failed.")


def start(
    connection: Connection, direction: str, source_app: str | None, *, preview: bool = False
) -> Transfer:
    begin = actions.preview_transfer if preview else actions.start_transfer
    with plain_errors():
        return begin(
            connection,
            direction=Direction(direction),
            source_app=Side(source_app) if source_app else None,
            actor="tidegate transfer",
        )


def latest(connection: Connection) -> Transfer:
    transfer = connection.transfers.order_by("-created_at").first()
    if transfer is None:
        raise CommandError(f"There is no transfer yet. Start one: tidegate transfer --direction {ONE_WAY[0]}")
    return transfer


def watch(transfer: Transfer, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(transfer.state, total=transfer.total)
        while True:
            transfer.refresh_from_db()
            progress.update(task, description=transfer.state, completed=transfer.done, total=transfer.total)
            if transfer.finished_at is not None or transfer.state not in ("preview", "running", "paused"):
                return
            time.sleep(LOOK_EVERY)


def price(transfer: Transfer) -> str:
    found = actions.estimate(transfer)
    nights = found.forecast.nights
    text = f"Nothing was written. The run would cost {found.cost.tokens:,} API tokens in {found.cost.calls:,} requests"
    text += f", about {max(1, round(found.forecast.seconds / 60)):,} min"
    if nights is None:
        return f"{text}; the budget leaves nothing for it."
    return f"{text}; {nights} nights at your plan." if nights else f"{text}; today's budget is enough."


def summary(transfer: Transfer) -> str:
    names = ("created", "updated", "unchanged", "skipped", "failed")
    counts = ", ".join(f"{getattr(transfer, name):,} {name}" for name in names)
    return f"Transfer {transfer.direction} is {transfer.state}: {counts}; {transfer.tokens:,} API tokens."
