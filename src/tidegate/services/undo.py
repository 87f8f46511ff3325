"""One page of an undo: what a transfer did, record by record, taken back where nobody has changed it since.

The walk is over the transfer's own records, then over the organizations it created. Everything is looked at afresh. Each
write is repeatable (earlier values that are there already, a record that is gone already), so an interrupted page is
walked again like any other page of a transfer. Rules: docs/sync-rules.md, "Undo".
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tidegate.core.bases import base_from_json, base_to_json
from tidegate.core.operations import Act, Decision, Plan, Write
from tidegate.core.records import ORGANIZATION, Gone, Record, Side, with_organization
from tidegate.core.settings import Direction
from tidegate.core.transfer import CATCH_UP_SECONDS, look_counts
from tidegate.core.undo import (
    DoneChange,
    DoneRecord,
    Present,
    Undoing,
    UndoPlan,
    agreed_to_differ,
    plan_undo,
)
from tidegate.core.values import Json, Kind, from_json
from tidegate.errors import RecordGone
from tidegate.ports import (
    Claim,
    DoneRow,
    LinkToSave,
    LogLine,
    Outcome,
    PreviewPage,
    Results,
    TransferState,
)
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date, organization_names
from tidegate.services.journal import DELETE, UPDATE, change_to_json, update_key
from tidegate.services.organization_undo import LEAVING, preview_organizations, undo_organizations
from tidegate.services.perform import find_organizations, organizations_needed, perform
from tidegate.services.transfer import end_page, unsettled_of
from tidegate.services.units import Unit

PAGE = 100
"""Records of a page: as many as one look takes."""
ORGANIZATIONS = "organizations:"
"""How the cursor begins once the records are done."""


@dataclass(slots=True)
class Case:
    """One record of the transfer, and what is to be done about it now."""

    row: DoneRow
    done: DoneRecord
    unit: Unit
    plan: UndoPlan


@dataclass(slots=True)
class UndoPage:
    cases: list[Case]
    next_cursor: str | None
    looks: dict[str, int]
    """Calls and tokens of the look: `core.transfer.look_counts`."""


async def undo_page(engine: Engine, undo: TransferState) -> bool:
    """Take one page back. False when it was the last one. Raises what a transfer's page raises."""
    if undo.cursor.startswith(ORGANIZATIONS):
        return await undo_organizations(engine, undo, undo.cursor.removeprefix(ORGANIZATIONS))
    page = await _plan_page(engine, undo)
    units = [case.unit for case in page.cases]
    results = Results()
    stop = await perform(engine, units, results, cause="undo")
    unsettled = unsettled_of(engine, undo, units)
    for case in page.cases:
        _remember(engine, case, results, settled=case.unit not in unsettled)
    return await end_page(engine, undo, results, unsettled, stop, next_cursor=page.next_cursor)


async def preview_undo_page(engine: Engine, preview: TransferState) -> bool:
    """Plan one page. False when it was the last one."""
    if preview.cursor.startswith(ORGANIZATIONS):
        return await preview_organizations(engine, preview, preview.cursor.removeprefix(ORGANIZATIONS))
    planned = await _plan_page(engine, preview)
    page = PreviewPage(outcomes=[_outcome(engine, case) for case in planned.cases])
    page.claims = [claim for case in planned.cases for claim in _claims(case)]
    page.counts = await _counts(engine, preview, planned, page)
    await engine.run(
        engine.memory.commit_preview,
        preview,
        page,
        engine.lane.hold,
        cursor=planned.next_cursor,
        spent=engine.lane.take_spent(),
    )
    return planned.next_cursor is not None


# --- look and decide


async def _plan_page(engine: Engine, undo: TransferState) -> UndoPage:
    memory = engine.memory
    await bring_up_to_date(engine, max_age=CATCH_UP_SECONDS)
    rows = await engine.run(memory.done_records, undo, int(undo.cursor or 0), PAGE)
    next_cursor = str(rows[-1].id) if len(rows) == PAGE else None
    if next_cursor is None and undo.delete_created and not undo.picked:
        made = await engine.run(memory.organizations_made, undo, 0, 1)
        next_cursor = f"{ORGANIZATIONS}0" if made else None
    settled = await engine.run(memory.settled_records, undo.id, [row.source_id for row in rows])
    waiting = [row for row in rows if row.source_id not in settled]
    done = {row.id: _done(row, Direction(undo.direction)) for row in waiting}
    units = await _look(engine, list(done.values()))
    deletable = [d.person_id for d in done.values() if d.created is Side.PIPEDRIVE]
    attached: Mapping[str, int] = {}
    if deletable and undo.delete_created:
        attached = await engine.crm.attachments("person", deletable)
    cases = [
        _case(engine, undo, row, done[row.id], unit, attached)
        for row, unit in zip(waiting, units, strict=True)
    ]
    looks = look_counts(len({d.person_id for d in done.values() if d.person_id}), listed=int(bool(attached)))
    return UndoPage(cases, next_cursor, looks)


def _done(row: DoneRow, direction: Direction) -> DoneRecord:
    to_pipedrive = direction is Direction.TO_PIPEDRIVE
    prospect_id, person_id = (
        (row.source_id, row.target_id) if to_pipedrive else (row.target_id, row.source_id)
    )
    target = Side.PIPEDRIVE if to_pipedrive else Side.OUTREACH
    return DoneRecord(
        prospect_id=prospect_id,
        person_id=person_id,
        created=target if row.outcome == Decision.CREATE.value else None,
        linked=row.linked,
        changes=tuple(_done_change(raw, target) for raw in row.changes),
        written_at=row.written_at,
    )


def _done_change(raw: Mapping[str, Json], target: Side) -> DoneChange:
    kind = Kind(str(raw["kind"]))
    organization_id = raw.get("organization_id")
    return DoneChange(
        side=Side(str(raw.get("side") or target.value)),
        field=str(raw["field"]),
        name=str(raw["name"]),
        kind=kind,
        before=from_json(kind, raw["before"]),
        after=from_json(kind, raw.get("shown", raw["after"])),
        organization_id=str(organization_id) if organization_id else None,
    )


async def _look(engine: Engine, done: Sequence[DoneRecord]) -> list[Unit]:
    """Both sides of each, and the link that names one of them."""
    prospects = {d.prospect_id for d in done if d.prospect_id}
    persons = {d.person_id for d in done if d.person_id}
    links = await engine.run(
        engine.memory.links_of, engine.connection_id, prospect_ids=prospects, person_ids=persons
    )
    by_prospect = {link.prospect_id: link for link in links}
    by_person = {link.person_id: link for link in links}
    seen_prospects = await engine.outreach.get_prospects(prospects) if prospects else {}
    seen_persons = await engine.crm.get_persons(persons) if persons else {}
    names = await organization_names(engine, [p for p in seen_persons.values() if isinstance(p, Record)])
    units = []
    for d in done:
        person = seen_persons.get(d.person_id) or Gone(Side.PIPEDRIVE, d.person_id)
        units.append(
            Unit(
                origin=(d.created or Side.PIPEDRIVE).other,
                prospect_id=d.prospect_id,
                person_id=d.person_id,
                link=by_prospect.get(d.prospect_id) or by_person.get(d.person_id),
                prospect=seen_prospects.get(d.prospect_id) or Gone(Side.OUTREACH, d.prospect_id),
                person=with_organization(person, names) if isinstance(person, Record) else person,
                organization_ids={
                    change.before: change.organization_id
                    for change in d.changes
                    if change.organization_id and isinstance(change.before, str)
                },
            )
        )
    return units


def _case(
    engine: Engine,
    undo: TransferState,
    row: DoneRow,
    done: DoneRecord,
    unit: Unit,
    attached: Mapping[str, int],
) -> Case:
    assert unit.prospect is not None and unit.person is not None  # noqa: S101 (_look has filled them in)
    link = unit.link
    present = Present(
        unit.prospect,
        unit.person,
        linked_to=(link.prospect_id, link.person_id) if link is not None else None,
        synced_since=link is not None and link.written_at is not None,
        attached=attached.get(done.person_id, 0) if done.created is Side.PIPEDRIVE else 0,
    )
    plan = plan_undo(done, present, engine.rules, delete=undo.delete_created)
    unit.plan = Plan(Decision.UPDATE, plan.reason, unit.prospect_id, unit.person_id, writes=plan.writes)
    return Case(row, done, unit, plan)


# --- what there is to remember


def _outcome(engine: Engine, case: Case, error: Exception | None = None) -> Outcome:
    row, plan = case.row, case.plan
    changes = tuple(change_to_json(engine, w, change) for w in plan.writes for change in w.changes)
    if isinstance(error, RecordGone):
        return Outcome(row.source_id, row.target_id, row.name, Undoing.KEEP.value, error.user_message)
    if case.unit.error is not None:
        return Outcome(row.source_id, row.target_id, row.name, "failed", case.unit.error.user_message)
    return Outcome(row.source_id, row.target_id, row.name, plan.undoing.value, plan.reason, changes)


def _remember(engine: Engine, case: Case, results: Results, *, settled: bool) -> None:
    unit = case.unit
    for write in case.plan.writes:
        reached = unit.error is None or write.side in unit.returned
        if reached or not getattr(unit.error, "sent", False):
            kind = DELETE if write.act is Act.DELETE else UPDATE
            results.intents_done.append((kind, update_key(write.side, write.record_id or "")))
        if reached:
            results.log.append(_line(engine, case, write))
    if settled:
        results.outcomes.append(_outcome(engine, case, unit.error))
    if unit.error is None:
        _remember_link(engine, case, results)
    if isinstance(unit.person, Gone) or (case.plan.undoing is Undoing.DELETE and unit.error is None):
        results.persons_gone.extend([unit.person_id or ""] if case.done.created is Side.PIPEDRIVE else [])
    if isinstance(person := unit.returned.get(Side.PIPEDRIVE), Record):
        results.persons.append(person)


def _line(engine: Engine, case: Case, write: Write) -> LogLine:
    return LogLine(
        side=write.side,
        act=write.act.value,
        prospect_id=case.done.prospect_id,
        person_id=case.done.person_id,
        record_name=case.row.name,
        changes=tuple(change_to_json(engine, write, change) for change in write.changes),
        cause="undo",
    )


def _remember_link(engine: Engine, case: Case, results: Results) -> None:
    """Taken back with the record, or where the transfer did nothing else; of a restored pair it remembers both values."""
    link, unit = case.unit.link, case.unit
    if link is None:
        return
    if case.plan.unlink:
        results.links_gone.append(link.id)
        if case.plan.undoing is Undoing.UNLINK:
            results.log.append(
                LogLine(
                    side=Side.PIPEDRIVE,
                    act="unlink",
                    prospect_id=case.done.prospect_id,
                    person_id=case.done.person_id,
                    record_name=case.row.name,
                    cause="undo",
                    message=case.plan.reason,
                )
            )
    elif case.plan.undoing is Undoing.RESTORE:
        prospect = unit.returned.get(Side.OUTREACH) or unit.prospect
        person = unit.returned.get(Side.PIPEDRIVE) or unit.person
        assert isinstance(prospect, Record) and isinstance(person, Record)  # noqa: S101 (a restore looks at both)
        rules = engine.rules
        base = agreed_to_differ(base_from_json(link.base, rules.pairs), case.done, prospect, person, rules)
        results.links.append(
            LinkToSave(
                link.prospect_id,
                link.person_id,
                base_to_json(base, link.base),
                state=link.state,
                written_at=engine.lane.clock.now(),
                id=link.id,
            )
        )


# --- what a preview counts


def _claims(case: Case) -> list[Claim]:
    """A person that would be deleted, or would get its earlier organization back, leaves the one it has now."""
    person = case.unit.person
    if not isinstance(person, Record) or person.organization_id is None:
        return []
    writes = [write for write in case.plan.writes if write.side is Side.PIPEDRIVE]
    if not any(write.act is Act.DELETE or ORGANIZATION in write.values for write in writes):
        return []
    return [Claim(LEAVING, person.id, person.organization_id)]


async def _counts(
    engine: Engine, preview: TransferState, planned: UndoPage, page: PreviewPage
) -> dict[str, int]:
    counts: Counter[str] = Counter(planned.looks)
    nouns = {Side.OUTREACH: "prospects", Side.PIPEDRIVE: "persons"}
    deeds = {Act.UPDATE: "updated", Act.DELETE: "deleted"}
    for case in planned.cases:
        counts.update(f"{nouns[write.side]}_{deeds[write.act]}" for write in case.plan.writes)
    names = organizations_needed([case.unit for case in planned.cases])
    if names:
        _, missing = await find_organizations(engine, names)
        new = await _unclaimed(engine, preview, missing)
        page.claims.extend(Claim("organization", key) for key in new)
        counts["organizations_created"] = len(new)
    return dict(counts)


async def _unclaimed(engine: Engine, preview: TransferState, keys: Collection[str]) -> list[str]:
    known = await engine.run(engine.memory.claimed, preview.id, "organization", list(keys))
    return [key for key in keys if key not in known]
