"""The end of an undo: organizations that the transfer created are deleted where nobody uses them.

Only where deleting was asked for, and only those whose name is still the one they were given and on which nothing hangs:
no person, deal, task, note, file or mail. Their create is repeatable in no way, so nothing is guessed: what is not known
to be unused stays.
"""

from collections.abc import Mapping, Sequence

from tidegate.core.transfer import look_counts
from tidegate.core.undo import Undoing
from tidegate.core.values import name_key
from tidegate.errors import NeedsAttention, TemporaryError, TidegateError
from tidegate.ports import Intent, Organization, Outcome, PreviewPage, Results, TransferState
from tidegate.services.engine import Engine
from tidegate.services.journal import DELETE_ORGANIZATION, organization_deleted
from tidegate.services.together import together
from tidegate.services.unanswered import close_intent
from tidegate.words import say

PAGE = 100
ORGANIZATIONS = "organizations:"
LEAVING = "leaving"
"""The kind of claim of a person that would no longer belong to the organization it has."""


async def undo_organizations(engine: Engine, undo: TransferState, after: str) -> bool:
    """Delete one page of them. False when it was the last one."""
    made = await _page(engine, undo, after)
    ids = [f"{ORGANIZATIONS}{organization.id}" for organization in made]
    settled = await engine.run(engine.memory.settled_records, undo.id, ids)
    waiting = [o for o in made if f"{ORGANIZATIONS}{o.id}" not in settled]
    now, attached = await _look(engine, waiting)
    results = Results()
    stops = await _delete(engine, waiting, now, attached, results)
    whole = not stops and len(made) < PAGE
    go_on = f"{ORGANIZATIONS}{after if stops else made[-1].id if made else after}"
    await engine.run(
        engine.memory.commit_page,
        undo,
        results,
        engine.lane.hold,
        cursor=None if whole else go_on,
        spent=engine.lane.take_spent(),
    )
    if stops:
        raise stops[0]
    return not whole


async def _delete(
    engine: Engine,
    organizations: Sequence[Organization],
    now: Mapping[str, Organization],
    attached: Mapping[str, int],
    results: Results,
) -> list[TidegateError]:
    """Delete those that nobody uses; what passes or needs a person is returned, and its organization has no outcome."""
    reasons = {o.id: _in_use(o, now, attached) for o in organizations}
    going = [o for o in organizations if not reasons[o.id] and o.id in now]
    await _write_down(engine, going)
    removed = await together(lambda o: engine.crm.remove_organization(o.id), going)
    answers = dict(zip((o.id for o in going), removed, strict=True))
    stops: list[TidegateError] = []
    for organization in organizations:
        reason, answer = reasons[organization.id], answers.get(organization.id)
        outcome = Undoing.KEEP.value if reason else Undoing.DELETE.value
        if organization.id in answers:
            close_intent(engine, results, (DELETE_ORGANIZATION, organization.id), answer)
        if isinstance(answer, TemporaryError | NeedsAttention):
            stops.append(answer)
            continue
        if answer is not None:
            outcome, reason = "failed", answer.user_message
        elif organization.id in answers:
            results.log.append(organization_deleted(organization.name))
        if outcome == Undoing.DELETE.value:
            results.organizations_gone.append(organization.id)
        results.outcomes.append(_outcome(organization, outcome, reason))
    return stops


async def _write_down(engine: Engine, going: Sequence[Organization]) -> None:
    """Before anything is sent: a deletion whose answer gets lost is logged by who looks the intent up."""
    if going:
        now = engine.lane.clock.now()
        intents = [Intent(DELETE_ORGANIZATION, o.id, {"name": o.name}, now) for o in going]
        await engine.run(engine.memory.write_intents, engine.connection_id, intents, engine.lane.hold)


async def preview_organizations(engine: Engine, preview: TransferState, after: str) -> bool:
    """The same with nothing deleted: who would have left it by then doesn't count as using it."""
    made = await _page(engine, preview, after)
    now, attached = await _look(engine, made)
    leaving = await engine.run(engine.memory.claims_held, preview.id, LEAVING, [o.id for o in made])
    page = PreviewPage(counts=look_counts(len(made), listed=1))
    for organization in made:
        left = {organization.id: attached.get(organization.id, 0) - leaving.get(organization.id, 0)}
        reason = _in_use(organization, now, left)
        outcome = Undoing.KEEP.value if reason else Undoing.DELETE.value
        page.outcomes.append(_outcome(organization, outcome, reason))
        if not reason and organization.id in now:
            page.counts["organizations_deleted"] = page.counts.get("organizations_deleted", 0) + 1
    whole = len(made) < PAGE
    await engine.run(
        engine.memory.commit_preview,
        preview,
        page,
        engine.lane.hold,
        cursor=None if whole else f"{ORGANIZATIONS}{made[-1].id}",
        spent=engine.lane.take_spent(),
    )
    return not whole


async def _page(engine: Engine, undo: TransferState, after: str) -> list[Organization]:
    return await engine.run(engine.memory.organizations_made, undo, int(after or 0), PAGE)


async def _look(
    engine: Engine, made: Sequence[Organization]
) -> tuple[Mapping[str, Organization], Mapping[str, int]]:
    if not made:
        return {}, {}
    ids = [organization.id for organization in made]
    return await engine.crm.get_organizations(ids), await engine.crm.attachments("organization", ids)


def _in_use(made: Organization, now: Mapping[str, Organization], attached: Mapping[str, int]) -> str:
    """Why it stays; empty where it may go, or is gone already."""
    present = now.get(made.id)
    if present is None:
        return ""
    if name_key(present.name) != name_key(made.name):
        return say("The organization was renamed since.")
    if attached.get(made.id, 0) > 0:
        return say("People, deals, tasks, notes, files or mails belong to it.")
    return ""


def _outcome(organization: Organization, outcome: str, reason: str) -> Outcome:
    return Outcome(f"{ORGANIZATIONS}{organization.id}", "", organization.name, outcome, reason)
