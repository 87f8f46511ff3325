"""Taking back what a transfer did to one record, where nobody has changed it since.

Pure, like `planning`: the preview of an undo and its run come to the same plan. Rules: docs/sync-rules.md, "Undo".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tidegate.core.operations import Act, Base, FieldChange, Write
from tidegate.core.planning import GONE, Rules
from tidegate.core.records import FIRST_NAME, LAST_NAME, Gone, Record, Seen, Side
from tidegate.core.values import Kind, Value, is_empty, is_readable, same
from tidegate.words import say

MOST_UNASKED: Final = 100
"""An undo of more records than this is confirmed by typing their number."""
AFTERWORK: Final = timedelta(seconds=2)
"""An app may stamp a record once more right after it was written; that is nobody's edit."""


_NOT_ASKED = {
    Side.OUTREACH: say("The transfer created this prospect; deleting was not asked for."),
    Side.PIPEDRIVE: say("The transfer created this person; deleting was not asked for."),
}
_GONE_ALREADY = {
    Side.OUTREACH: say("The prospect is gone already."),
    Side.PIPEDRIVE: say("The person is gone already."),
}
_CREATED = {
    Side.OUTREACH: say("Created by the transfer in the outreach app."),
    Side.PIPEDRIVE: say("Created by the transfer in Pipedrive."),
}
_TOUCHED = {
    Side.OUTREACH: say("The prospect was changed since, in a field that is not mapped."),
    Side.PIPEDRIVE: say("The person was changed since, in a field that is not mapped."),
}


class Undoing(StrEnum):
    """What an undo comes to for one record, in the words of its report."""

    RESTORE = "restored"
    DELETE = "deleted"
    UNLINK = "unlinked"
    KEEP = "kept"


@dataclass(frozen=True, slots=True)
class DoneChange:
    """One field that the transfer wrote. `after` is what the write answered."""

    side: Side
    field: str
    name: str
    kind: Kind
    before: Value
    after: Value
    organization_id: str | None = None
    """Of an organization: the one the person had before, since names need not be unique."""


@dataclass(frozen=True, slots=True)
class DoneRecord:
    """What the transfer did with one record."""

    prospect_id: str
    person_id: str
    created: Side | None = None
    linked: bool = False
    """The transfer made the link."""
    changes: tuple[DoneChange, ...] = ()
    written_at: datetime | None = None
    """When the created record was written, by its app's own clock."""

    def id_of(self, side: Side) -> str:
        return self.prospect_id if side is Side.OUTREACH else self.person_id


@dataclass(frozen=True, slots=True)
class Present:
    """What is there now."""

    prospect: Seen
    person: Seen
    linked_to: tuple[str, str] | None = None
    """(prospect id, person id) of the link that names one of the two."""
    synced_since: bool = False
    """Values have travelled over a link that the transfer only made."""
    attached: int = 0
    """Deals, open tasks, notes, files and mails that hang on the created person."""

    def seen(self, side: Side) -> Seen:
        return self.prospect if side is Side.OUTREACH else self.person


@dataclass(frozen=True, slots=True)
class UndoPlan:
    undoing: Undoing
    reason: str = ""
    writes: tuple[Write, ...] = ()
    unlink: bool = False
    """The link is taken back with it."""


def plan_undo(done: DoneRecord, now: Present, rules: Rules, *, delete: bool) -> UndoPlan:
    """`delete`: whether created records are to be deleted, too; else they stay."""
    if now.linked_to not in (None, (done.prospect_id, done.person_id)):
        return _keep(say("One of the two was linked to another record since."))
    if done.created is not None:
        return _plan_delete(done, done.created, now, rules, delete=delete)
    if done.changes:
        return _plan_restore(done, now, rules)
    if now.synced_since:
        return _keep(say("The two were kept in step since."))
    return UndoPlan(
        Undoing.UNLINK, say("The transfer only linked the two."), unlink=now.linked_to is not None
    )


def _keep(reason: str) -> UndoPlan:
    return UndoPlan(Undoing.KEEP, reason)


# --- what it created


def _plan_delete(done: DoneRecord, side: Side, now: Present, rules: Rules, *, delete: bool) -> UndoPlan:
    seen = now.seen(side)
    if not delete:
        return _keep(_NOT_ASKED[side])
    if isinstance(seen, Gone):
        linked = now.linked_to is not None
        return UndoPlan(Undoing.DELETE, _GONE_ALREADY[side], unlink=linked)
    touched = _touched(done, seen, now, rules)
    if touched:
        return _keep(touched)
    write = Write(Act.DELETE, side, seen.id)
    return UndoPlan(Undoing.DELETE, _CREATED[side], (write,), unlink=True)


def _no_field(side: Side, name: str) -> str:
    if side is Side.OUTREACH:
        return say("The outreach app has no field {field} any more.", field=name)
    return say("Pipedrive has no field {field} any more.", field=name)


def _touched(done: DoneRecord, seen: Record, now: Present, rules: Rules) -> str:
    """Why a created record is no longer only what the transfer made; empty where nobody touched it."""
    wrote = {change.field: change for change in done.changes}
    for change in done.changes:
        if not same(change.kind, seen.value(change.field), change.after):
            return say("{field} was changed since.", field=change.name)
    for pair in rules.pairs:
        key = pair.of(seen.side)
        value = seen.value(key)
        if key not in wrote and is_readable(value) and not is_empty(value):
            field = rules.field(seen.side, key)
            return say("{field} was filled in since.", field=field.name if field else key)
    if now.attached:
        return say("Deals, tasks, notes, files or mails were added since.")
    if done.written_at and seen.updated_at and seen.updated_at > done.written_at + AFTERWORK:
        return _TOUCHED[seen.side]
    return ""


# --- what it changed


def _plan_restore(done: DoneRecord, now: Present, rules: Rules) -> UndoPlan:
    writes = []
    for side in Side:
        changes = [change for change in done.changes if change.side is side]
        if not changes:
            continue
        seen = now.seen(side)
        if isinstance(seen, Gone):
            return _keep(GONE[side])
        back = []
        for change in changes:
            if rules.field(side, change.field) is None:
                return _keep(_no_field(side, change.name))
            value = seen.value(change.field)
            if same(change.kind, value, change.before):
                continue  # put back already, before a restart
            if not same(change.kind, value, change.after):
                return _keep(say("{field} was changed since.", field=change.name))
            back.append(FieldChange(change.field, value, change.before))
        if back:
            writes.append(Write(Act.UPDATE, side, seen.id, tuple(back)))
    return UndoPlan(
        Undoing.RESTORE, "" if writes else say("Everything shows its earlier value."), tuple(writes)
    )


def agreed_to_differ(
    base: Base, done: DoneRecord, prospect: Record, person: Record, rules: Rules
) -> dict[str, tuple[Value, Value]]:
    """The base after a restore: what both show of the fields that were put back is no change for live sync to carry."""
    touched = {(change.side, change.field) for change in done.changes}
    for side in Side:  # a write of one part of a name may move the other
        if touched & {(side, FIRST_NAME), (side, LAST_NAME)}:
            touched |= {(side, FIRST_NAME), (side, LAST_NAME)}
    entries = dict(base)
    for pair in rules.pairs:
        if any((side, pair.of(side)) in touched for side in Side):
            shown = prospect.value(pair.of(Side.OUTREACH)), person.value(pair.of(Side.PIPEDRIVE))
            if all(map(is_readable, shown)):
                entries[pair.key] = shown
    return entries
