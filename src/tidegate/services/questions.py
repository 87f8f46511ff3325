"""What a plan puts to a person, under *Needs attention*."""

from tidegate.core.operations import Decision, LinkState, Plan
from tidegate.core.records import Side
from tidegate.core.values import describe
from tidegate.ports import Question
from tidegate.services.engine import Engine
from tidegate.services.troubles import CURES, INVALID
from tidegate.services.units import Unit


def ambiguous(unit: Unit, plan: Plan) -> Question:
    side = plan.candidates_side or unit.origin.other
    return Question(
        kind="ambiguous",
        side=unit.origin,
        prospect_id=unit.prospect_id or "",
        person_id=unit.person_id or "",
        record_name=unit.record_name,
        message=plan.reason,
        cure="Choose the right one, or merge them where they are.",
        facts={"candidates": list(plan.candidates), "candidates_side": side.value},
    )


def unseen(engine: Engine, unit: Unit, plan: Plan) -> list[Question]:
    if plan.state is not LinkState.PERSON_UNSEEN:
        return []
    me = next((user.name for user in engine.rules.pipedrive.users if user.is_me), "the connected user")
    return [
        Question(
            kind="hidden",
            side=Side.PIPEDRIVE,
            prospect_id=unit.prospect_id or "",
            person_id=unit.person_id or "",
            record_name=unit.record_name,
            message=plan.reason,
            cure=(
                f"Have the person made visible to {me} in Pipedrive, or connect as a user who sees it. It goes on by itself "
                "with the person's next change, or with Retry. If it was deleted, close this."
            ),
        )
    ]


def two_for_one(unit: Unit, plan: Plan) -> list[Question]:
    """Two linked persons became one: its link stays, and a member says which of the two prospects it should be with."""
    if plan.decision is not Decision.UNLINK or plan.merged_into is None:
        return []
    return [
        Question(
            kind="merged",
            side=Side.OUTREACH,
            prospect_id=unit.prospect_id or "",
            person_id=unit.person_id or "",
            record_name=unit.record_name,
            message=f"{plan.reason} Two prospects now stand for one person.",
            cure="Choose the prospect that stays in step with the person. Nothing is deleted.",
            facts={
                "candidates": [i for i in (unit.rival, unit.prospect_id) if i],
                "candidates_side": Side.OUTREACH.value,
                "survivor": plan.merged_into,
            },
        )
    ]


def refused(unit: Unit, plan: Plan, prospect_id: str, person_id: str) -> list[Question]:
    if not plan.refusals:
        return []
    texts = [f"{refusal.name}: {refusal.reason}" for refusal in plan.refusals]
    return [
        Question(
            kind="invalid",
            side=plan.refusals[0].side,
            prospect_id=prospect_id,
            person_id=person_id,
            record_name=unit.record_name,
            message="; ".join(texts).removesuffix(".") + ".",
            cure=f"{CURES[INVALID]} The other fields are in step.",
            facts={"values": {r.field: describe(r.value) for r in plan.refusals}},
        )
    ]
