"""What Tidegate did in Pipedrive for one prospect beside its person: the deal, the logged e-mails, the last runs.

From our own memory alone: looking at a prospect costs no tokens. Where the deal stands now, Pipedrive's page says.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tidegate.core.runs import Outcome
from tidegate.prospects.models import Prospect
from tidegate.store.models import AutomationRun, Connection, EmailActivity, RunAction
from tidegate.web.activity.runs import ShownRun, shown_runs

RUNS = 3


@dataclass(frozen=True, slots=True)
class ShownDeal:
    """The deal that automations made or moved last."""

    id: str
    url: str
    text: str
    """What was done with it last."""
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Sales:
    deal: ShownDeal | None
    runs: list[ShownRun]
    run_count: int
    activities: dict[str, EmailActivity]
    """Campaign e-mail's id -> the activity that shows it."""
    connection: Connection | None


def sales_of(prospect: Prospect, connections: Collection[Connection]) -> Sales:
    own = AutomationRun.objects.filter(connection__in=connections, prospect_id=str(prospect.pk))
    newest = list(own.select_related("connection").prefetch_related("actions").order_by("-pk")[:RUNS])
    logged = EmailActivity.objects.filter(connection__in=connections, prospect_id=str(prospect.pk))
    return Sales(
        deal=_last_deal(prospect, connections),
        runs=shown_runs(newest),
        run_count=own.count(),
        activities={activity.email_id: activity for activity in logged},
        connection=newest[0].connection if newest else None,
    )


def _last_deal(prospect: Prospect, connections: Collection[Connection]) -> ShownDeal | None:
    action = (
        RunAction.objects.filter(
            run__connection__in=connections,
            run__prospect_id=str(prospect.pk),
            outcome=Outcome.PERFORMED.value,
        )
        .exclude(deal_id="")
        .select_related("run__connection")
        .order_by("-done_at", "-pk")
        .first()
    )
    if action is None:
        return None
    address = f"{action.run.connection.api_domain.rstrip('/')}/deal/{action.deal_id}"
    return ShownDeal(action.deal_id, address, action.text, action.done_at)
