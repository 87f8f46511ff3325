"""Runs of automations: filtered, the newest first, by pages that stay put while new runs come in."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from tidegate.store.models import AutomationRun, Connection
from tidegate.store.queries.flow import start_of_day


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are asked for; what is empty does not restrict."""

    trigger: str = ""
    outcome: str = ""
    """A `core.runs.Outcome` that at least one action of the run has."""
    text: str = ""
    """Part of the prospect's name, or of the campaign's."""
    prospect_id: str = ""


def filter_runs(connection: Connection, wanted: RunFilter) -> QuerySet[AutomationRun]:
    """The runs with their actions."""
    runs = AutomationRun.objects.filter(connection=connection)
    if wanted.trigger:
        runs = runs.filter(trigger=wanted.trigger)
    if wanted.outcome:
        runs = runs.filter(pk__in=runs.filter(actions__outcome=wanted.outcome).values("pk"))
    if wanted.prospect_id:
        runs = runs.filter(prospect_id=wanted.prospect_id)
    if text := wanted.text.strip():
        runs = runs.filter(Q(record_name__icontains=text) | Q(campaign_name__icontains=text))
    return runs.prefetch_related("actions")


def runs_today(connection: Connection, now: datetime) -> dict[str, int]:
    """Trigger -> how many runs began since midnight in the workspace's time zone. Whoever is not in Pipedrive counts not."""
    since = start_of_day(connection, now)
    rows = AutomationRun.objects.filter(connection=connection, created_at__gte=since).exclude(person_id="")
    return dict(rows.order_by().values_list("trigger").annotate(count=Count("pk")))


@dataclass(frozen=True, slots=True)
class RunPage:
    """A stretch of the runs, the newest first. `older` is the id to go on from, None at the end."""

    runs: list[AutomationRun]
    older: int | None = None


def run_page(runs: QuerySet[AutomationRun], *, older_than: int | None = None, limit: int = 50) -> RunPage:
    if older_than is not None:
        runs = runs.filter(pk__lt=older_than)
    found = list(runs.order_by("-pk")[: limit + 1])
    return RunPage(found[:limit], older=found[limit - 1].pk if len(found) > limit else None)
