"""The API budget of a connection's Pipedrive company: what it is, what is left to others, and what was spent on what."""

from datetime import date
from typing import Any, Self
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field, StrictInt

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.find import find_connection
from tidegate.api.schemas import UNSET, Answer, Body, Moment
from tidegate.store import queries
from tidegate.store.budget import MOST_RESERVE
from tidegate.store.models import Lane
from tidegate.wiring import actions

router = Router(tags=["Budget"])


class LedgerDayAnswer(Answer):
    """One day, by UTC."""

    day: date
    tokens: dict[str, int] = Field(description="What each feature spent.")
    total: int
    requests: int


class BudgetAnswer(Answer):
    """Shared by all connections of one Pipedrive company. What other apps spend is not known here."""

    plan: str = Field(description="Pipedrive's plan: lite, growth, premium or ultimate.")
    seats: int
    daily_budget: int | None = Field(
        description="Tokens a day, where they were set; null: reckoned by plan and seats."
    )
    reserve_percent: int = Field(
        description="The share left to people and other apps. Bulk work stops there."
    )
    total: int = Field(description="Tokens of one day.")
    used: int = Field(description="Spent by Tidegate today.")
    reserve: int
    starts_again_at: Moment
    wait_until: Moment | None = Field(description="Nothing is sent to Pipedrive before.")
    wait_reason: str
    days: list[LedgerDayAnswer] = Field(description="The newest first; days without a call are left out.")

    @classmethod
    def of(cls, lane: Lane, days: int) -> Self:
        today, waits = queries.budget_today(lane), queries.is_waiting(lane)
        facts: dict[str, Any] = {
            name: getattr(lane, name) for name in ("plan", "seats", "daily_budget", "reserve_percent")
        }
        return cls.model_validate(
            {
                **facts,
                "total": today.total,
                "used": today.used,
                "reserve": today.reserve,
                "starts_again_at": queries.budget_starts_again(timezone.now()),
                "wait_until": lane.wait_until if waits else None,
                "wait_reason": lane.wait_reason if waits else "",
                "days": queries.ledger(lane, days=days),
            }
        )


class BudgetQuery(BaseModel):
    days: int = Field(14, ge=1, le=366, description="How many days of the ledger.")


class BudgetChange(Body):
    """Only what is sent changes."""

    plan: str = Field(UNSET, max_length=20)
    seats: StrictInt = Field(UNSET, ge=1, le=100_000)
    daily_budget: StrictInt | None = Field(
        None, ge=100, le=1_000_000_000, description="Null: reckoned by plan and seats."
    )
    reserve_percent: StrictInt = Field(UNSET, ge=0, le=MOST_RESERVE)


@router.get(
    "/{connection_id}/budget",
    auth=needs(Scope.READ),
    response=BudgetAnswer,
    summary="Read the budget and its ledger",
)
def read_budget(request: ApiRequest, connection_id: UUID, query: Query[BudgetQuery]) -> BudgetAnswer:
    return BudgetAnswer.of(find_connection(request, connection_id).lane, query.days)


@router.patch(
    "/{connection_id}/budget",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=BudgetAnswer,
    summary="Set the budget",
)
def change_budget(request: ApiRequest, connection_id: UUID, change: BudgetChange) -> BudgetAnswer:
    """Holds for every connection of the same company. Work that waited for the budget looks again at once."""
    connection = find_connection(request, connection_id)
    lane = connection.lane
    known = {name: getattr(lane, name) for name in ("plan", "seats", "daily_budget", "reserve_percent")}
    actions.set_budget(connection, **{**known, **change.given()}, actor=actor(request))
    lane.refresh_from_db()
    return BudgetAnswer.of(lane, 14)
