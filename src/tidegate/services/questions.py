"""What a plan puts to a person, under *Needs attention*."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidegate.core.cases import LACKS_OPTION
from tidegate.core.operations import Decision, LinkState, Plan, Refusal
from tidegate.core.records import Side
from tidegate.core.settings import Pair
from tidegate.core.values import Json, describe, is_readable
from tidegate.errors import TidegateError
from tidegate.ports import Question
from tidegate.services.engine import Engine
from tidegate.services.troubles import ADD_OPTION, CURES, INVALID, kind_of
from tidegate.services.units import Unit
from tidegate.words import say

OTHERS_IN_STEP = say("The other fields are in step.")
TWO_FOR_ONE = say("Two prospects now stand for one person.")


def ambiguous(unit: Unit, plan: Plan) -> Question:
    side = plan.candidates_side or unit.origin.other
    return _about(
        unit,
        "ambiguous",
        unit.origin,
        message=plan.reason,
        cure=say("Choose the right one, or merge them where they are."),
        facts={"candidates": list(plan.candidates), "candidates_side": side.value},
    )


def unseen(engine: Engine, unit: Unit, plan: Plan) -> list[Question]:
    if plan.state is not LinkState.PERSON_UNSEEN:
        return []
    me = next((user.name for user in engine.rules.pipedrive.users if user.is_me), say("the connected user"))
    return [
        _about(
            unit,
            "hidden",
            Side.PIPEDRIVE,
            message=plan.reason,
            cure=(
                say(
                    "Have the person made visible to {user} in Pipedrive, or connect as a user who sees it. It goes "
                    "on by itself with the person’s next change, or with Retry. If it was deleted, close this.",
                    user=me,
                )
            ),
        )
    ]


def two_for_one(unit: Unit, plan: Plan) -> list[Question]:
    """Two linked persons became one: its link stays, and a member says which of the two prospects it should be with."""
    if plan.decision is not Decision.UNLINK or plan.merged_into is None:
        return []
    return [
        _about(
            unit,
            "merged",
            Side.OUTREACH,
            message=f"{plan.reason} {TWO_FOR_ONE}",
            cure=say("Choose the prospect that stays in step with the person. Nothing is deleted."),
            facts={
                "candidates": [i for i in (unit.rival, unit.prospect_id) if i],
                "candidates_side": Side.OUTREACH.value,
                "survivor": plan.merged_into,
            },
        )
    ]


def failed(unit: Unit, side: Side, error: TidegateError | None) -> Question:
    """What was to be done on this side was refused, and will be as long as nobody mends the cause."""
    kind = kind_of(error)
    lacks_option = bool(error and error.facts.get(LACKS_OPTION))
    asked = _about(
        unit,
        kind,
        side,
        message=error.happened if error else "",
        cure=ADD_OPTION if lacks_option else CURES[kind],
        facts={LACKS_OPTION: True} if lacks_option else {},
    )
    tries = max((change.attempts for change in unit.changes), default=0) + 1
    return replace(asked, details=dict(error.details) if error else {}, tries=tries)


def _about(
    unit: Unit, kind: str, side: Side, *, message: str, cure: str, facts: Mapping[str, Json] | None = None
) -> Question:
    return Question(
        kind=kind,
        side=side,
        prospect_id=unit.prospect_id or "",
        person_id=unit.person_id or "",
        record_name=unit.record_name,
        message=message,
        cure=cure,
        facts=facts or {},
    )


def _all_of(refusals: Sequence[Refusal]) -> str:
    first, *others = refusals
    if others:
        return say("{field}: {reason}; {rest}", field=first.name, reason=first.reason, rest=_all_of(others))
    return say("{field}: {reason}.", field=first.name, reason=first.reason.removesuffix("."))


def refused(engine: Engine, unit: Unit, plan: Plan, prospect_id: str, person_id: str) -> list[Question]:
    if not plan.refusals:
        return []
    lacks_option = any(refusal.lacks_option for refusal in plan.refusals)
    return [
        Question(
            kind="invalid",
            side=plan.refusals[0].side,
            prospect_id=prospect_id,
            person_id=person_id,
            record_name=unit.record_name,
            message=_all_of(plan.refusals),
            cure=f"{ADD_OPTION if lacks_option else CURES[INVALID]} {OTHERS_IN_STEP}",
            facts={
                "values": {r.field: describe(r.value) for r in plan.refusals},
                "correct": _to_correct(engine.rules.pairs, plan.refusals),
                **({LACKS_OPTION: True} if lacks_option else {}),
            },
        )
    ]


def _to_correct(pairs: Sequence[Pair], refusals: Sequence[Refusal]) -> dict[str, Json]:
    """Side -> its fields that the refused values come from. A constant comes from neither."""
    found: dict[str, Json] = {}
    for side in Side:
        keys = [
            pair.of(side)
            for refusal in refusals
            for pair in pairs
            if pair.of(refusal.side) == refusal.field and _source(refusal) is side
        ]
        if keys:
            found[side.value] = list[Json](keys)
    return found


def _source(refusal: Refusal) -> Side:
    return refusal.side.other if is_readable(refusal.value) else refusal.side
