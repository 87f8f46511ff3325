"""The values that stay behind in a transfer, as they are kept with their record: in the preview, the run and the report.

One function tells them of a plan, so what a preview counts is what its run comes to.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.core.operations import Plan
from tidegate.core.values import Json


@dataclass(frozen=True, slots=True)
class RefusedValue:
    """What one field does not take for one reason, over all records of a transfer."""

    side: str
    field: str
    name: str
    """What people call the field."""
    reason: str
    records: int
    example: str
    """Whose record it is, of the first one."""


def refusals_to_json(plan: Plan) -> tuple[Mapping[str, Json], ...]:
    """Each refused value by its field and the reason. The value itself stays out: a reason quotes it where that helps."""
    told: dict[tuple[str, str, str], Mapping[str, Json]] = {}
    for refusal in plan.refusals:
        side, reason = refusal.side.value, refusal.reason.removesuffix(".")
        told[side, refusal.field, reason] = {
            "side": side,
            "field": refusal.field,
            "name": refusal.name,
            "reason": reason,
        }
    return tuple(told.values())
