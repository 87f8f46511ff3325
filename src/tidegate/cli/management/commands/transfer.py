"""`tidegate transfer`: transfers existing records between the store and Pipedrive, or sees to the latest transfer."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tidegate.cli.commands import TidegateCommand, plain_errors
from tidegate.cli.workspaces import add_connection_option, choose_connection
from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.core.transfer import USUAL, Include
from tidegate.store import queries
from tidegate.store.models import Connection, Transfer
from tidegate.wiring import actions

ONE_WAY = (Direction.TO_PIPEDRIVE.value, Direction.FROM_PIPEDRIVE.value)
LOOK_EVERY = 1.0
"""Seconds."""
ACTOR = "tidegate transfer"
ACTS = {
    "start": "run what the latest preview showed",
    "pause": "pause the latest transfer",
    "continue": "continue it",
    "cancel": "cancel it; what was transferred stays",
    "retry": "run its failed records once more",
    "undo": "preview taking the latest transfer back; --start runs that",
}


class Command(TidegateCommand):
    help = (
        "Transfer existing records in one direction, or see to the latest transfer; a worker does the work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--direction", choices=ONE_WAY, help="start a transfer this way")
        parser.add_argument(
            "--source-app", choices=[s.value for s in Side], help="whose values win; the sender's"
        )
        parser.add_argument("--preview", action="store_true", help="only plan it: nothing is written")
        parser.add_argument(
            "--past-emails",
            action="store_true",
            help="campaign e-mails of before the launch become activities, too",
        )
        parser.add_argument("--without-constants", action="store_true", help="leave the constants out")
        parser.add_argument(
            "--records", nargs="+", metavar="ID", help="only these records, by their id in the source app"
        )
        acts = parser.add_mutually_exclusive_group()
        for act, text in ACTS.items():
            acts.add_argument(f"--{act}", action="store_true", help=text)
        parser.add_argument(
            "--delete-created", action="store_true", help="with --undo: delete what it created, too"
        )
        parser.add_argument(
            "--confirm", type=int, metavar="N", help="with --start: that an undo touches N records"
        )
        parser.add_argument("--watch", action="store_true", help="show its progress until it ends")
        add_connection_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = choose_connection(options["connection"])
        if options["direction"]:
            transfer = start(
                connection,
                options["direction"],
                options["source_app"],
                preview=options["preview"],
                records=options["records"],
                include=Include(
                    past_emails=options["past_emails"], constants=not options["without_constants"]
                ),
            )
            self.stdout.write(f"Started: {transfer.direction}, {transfer.total or 'all'} records.")
        else:
            act = next((name for name in ACTS if options[name]), "")
            with plain_errors():
                transfer = see_to(act, connection, options)
        if options["watch"]:
            watch(transfer, Console(file=self.stdout))  # type: ignore[arg-type]  # written to like any text file
        self.stdout.write(summary(transfer))
        if transfer.state == "ready":
            self.stdout.write(price(transfer))
        if transfer.state == "failed":
            raise CommandError(transfer.state_text or "The transfer failed.")


def start(
    connection: Connection,
    direction: str,
    source_app: str | None,
    *,
    preview: bool = False,
    records: list[str] | None = None,
    include: Include = USUAL,
) -> Transfer:
    begin = actions.preview_transfer if preview else actions.start_transfer
    with plain_errors():
        return begin(
            connection,
            direction=Direction(direction),
            source_app=Side(source_app) if source_app else None,
            actor=ACTOR,
            records=records,
            include=include,
        )


def see_to(act: str, connection: Connection, options: dict[str, Any]) -> Transfer:
    """Do this with the latest transfer; without an act it is only told about. An undo is a transfer of its own."""
    records = options["records"]
    if act == "undo":
        ended = latest(connection, undoes__isnull=True)
        return actions.undo_transfer(
            ended, delete_created=options["delete_created"], actor=ACTOR, records=records
        )
    transfer = latest(connection)
    match act:
        case "start":
            actions.start_previewed(transfer, actor=ACTOR, records=records, confirm=options["confirm"])
        case "retry":
            actions.retry_failed(transfer, actor=ACTOR, records=records)
        case "pause":
            actions.pause_transfer(transfer, actor=ACTOR)
        case "continue":
            actions.continue_transfer(transfer, actor=ACTOR)
        case "cancel":
            actions.cancel_transfer(transfer, actor=ACTOR)
    return transfer


def latest(connection: Connection, **wanted: Any) -> Transfer:
    transfer = connection.transfers.filter(**wanted).order_by("-created_at").first()
    if transfer is None:
        raise CommandError(f"There is no transfer yet. Start one: tidegate transfer --direction {ONE_WAY[0]}")
    return transfer


def watch(transfer: Transfer, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(transfer.state, total=transfer.total)
        while True:
            transfer.refresh_from_db()
            transfer.connection.lane.refresh_from_db()
            told = transfer.state + waits(transfer)
            progress.update(task, description=told, completed=transfer.done, total=transfer.total)
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
    if not nights:
        return f"{text}; today's budget is enough."
    return f"{text}; {nights} night{'s' if nights > 1 else ''} at your plan, done about {found.ends_at:%Y-%m-%d}."


def summary(transfer: Transfer) -> str:
    undo = transfer.undoes_id is not None
    names = (
        ("restored", "deleted", "unlinked", "kept", "failed")
        if undo
        else ("created", "updated", "unchanged", "skipped", "failed")
    )
    counts = ", ".join(f"{getattr(transfer, name):,} {name}" for name in names)
    what = "Undo" if undo else "Transfer"
    text = f"{what} {transfer.direction} is {transfer.state}: {counts}; {transfer.tokens:,} API tokens."
    if refused := queries.with_refusals(transfer).count():
        text += f" {refused:,} of them without one of their values, which does not fit."
    if transfer.state in ("running", "preview"):
        text += waits(transfer)
    if transfer.state == "ready" and actions.must_confirm(transfer):
        text += f" To run it: tidegate transfer --start --confirm {actions.touched_by(transfer)}"
    return text


def waits(transfer: Transfer) -> str:
    """Until when it sleeps, where it does: it wakes by itself."""
    lane = transfer.connection.lane
    until = transfer.put_off_until or lane.wait_until
    if until is None or until <= timezone.now():
        return ""
    reason = transfer.state_text or lane.wait_reason
    return f" It waits until {timezone.localtime(until):%Y-%m-%d %H:%M} and goes on by itself: {reason}"
