"""`tidegate status`: connections, workers and what waits, as the overview pages show them."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from tidegate.cli.commands import TidegateCommand
from tidegate.store.models import Connection
from tidegate.store.queries import Health, health
from tidegate.store.readiness import living_workers


class Command(TidegateCommand):
    help = "Show connections, workers and what waits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = Connection.objects.filter(disconnected_at__isnull=True).select_related(
            "workspace", "lane"
        )
        found = [(each, health(each)) for each in connections.order_by("company_name")]
        if options["json"]:
            facts = [
                {"id": c.pk, "workspace": c.workspace.name, "company": c.company_name, **asdict(h)}
                for c, h in found
            ]
            text = json.dumps({"workers": living_workers(), "connections": facts}, default=str, indent=2)
            self.stdout.write(text)
            return
        self.stdout.write(f"Workers: {living_workers()}")
        if not found:
            self.stdout.write("There is no connection yet.")
        for connection, state in found:
            for line in lines_about(connection, state):
                self.stdout.write(line)


def lines_about(connection: Connection, state: Health) -> list[str]:
    lines = [f"{connection.company_name} ({connection.workspace.name}): {state.status}"]
    if state.reason_text:
        lines.append(f"  {state.reason_text}")
    lag = "" if state.lag_seconds is None else f", the oldest for {state.lag_seconds:,.0f} s"
    lines.append(f"  waiting: {state.waiting:,}{lag}; need attention: {state.needs_attention:,}")
    if state.wait_until:
        lines.append(f"  goes on at {state.wait_until:%Y-%m-%d %H:%M} UTC: {state.wait_reason}")
    moved = f"today {state.to_pipedrive_today:,} to Pipedrive, {state.from_pipedrive_today:,} from it"
    lines.append(f"  {state.linked:,} linked pairs; {moved}")
    lines.append(f"  {state.tokens_today:,} of {state.daily_budget:,} API tokens used today")
    running = connection.transfers.filter(state__in=("running", "paused")).first()
    if running is not None:
        lines.append(
            f"  transfer {running.direction}: {running.state}, {running.done:,} of {running.total or '?'}"
        )
    return lines
