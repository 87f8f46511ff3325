"""From what was seen of one pair to the plan of what is to be done about it, and what to remember afterwards.

`decide` is the one place where it is decided whether a record is created, linked, updated, asked about or left alone. It
sees values only: no clock, no database, no network. A preview, the real thing, an undo and a test use the same plan.
Rules: docs/sync-rules.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidegate.core.catalogue import Field, OutreachCatalogue, PipedriveCatalogue
from tidegate.core.fitting import fit
from tidegate.core.matching import shared_addresses, shares_address
from tidegate.core.merge import Entry, Live, MergedRecords, Overwrite, Policy, empty_record, merge_records
from tidegate.core.operations import (
    Act,
    Base,
    Decision,
    FieldChange,
    LinkState,
    Plan,
    Refusal,
    Write,
)
from tidegate.core.records import FIRST_NAME, LAST_NAME, Gone, Record, Seen, Side
from tidegate.core.settings import Direction, Pair, Settings, active_pairs, constant_value
from tidegate.core.values import Unreadable, Value, is_readable, same
from tidegate.words import Counted, say

GONE: Mapping[Side, str] = {
    Side.OUTREACH: say("The prospect is no longer there."),
    Side.PIPEDRIVE: say("The person is no longer there."),
}
_BACK: Mapping[Side, str] = {
    Side.OUTREACH: say("The prospect is back."),
    Side.PIPEDRIVE: say("The person is back."),
}
_DELETED: Mapping[Side, str] = {
    Side.OUTREACH: say("The prospect was deleted in the outreach app. Nothing is deleted in Pipedrive."),
    Side.PIPEDRIVE: say("The person was deleted in Pipedrive. Nothing is deleted in the outreach app."),
}
_BOTH_GONE: Mapping[Side, str] = {
    Side.OUTREACH: say("Both records are gone: the prospect and the person."),
    Side.PIPEDRIVE: say("Both records are gone: the person and the prospect."),
}
_UNSEEN = say(
    "The connected user can’t see the person in Pipedrive, which told of no deletion. Nothing is deleted in the outreach app."
)
_TAKEN: Mapping[Side, str] = {
    Side.OUTREACH: say("The prospect with the same e-mail address is linked to another person."),
    Side.PIPEDRIVE: say("The person with the same e-mail address is linked to another prospect."),
}
_SEVERAL: Mapping[Side, Counted] = {
    Side.OUTREACH: Counted(
        "{count} prospect has the same e-mail address.", "{count} prospects have the same e-mail address."
    ),
    Side.PIPEDRIVE: Counted(
        "{count} person has the same e-mail address.", "{count} persons have the same e-mail address."
    ),
}
_NOBODY: Mapping[Side, str] = {
    Side.OUTREACH: say("No prospect has its address."),
    Side.PIPEDRIVE: say("No person has its address."),
}
_NO_ADDRESS: Mapping[Side, str] = {
    Side.OUTREACH: say("Without an address it fits no prospect."),
    Side.PIPEDRIVE: say("Without an address it fits no person."),
}
_TRANSFERRED: Mapping[Side, str] = {
    Side.OUTREACH: say("Transferred to the outreach app."),
    Side.PIPEDRIVE: say("Transferred to Pipedrive."),
}
_CHANGED: Mapping[Side, str] = {
    Side.OUTREACH: say("Changed in the outreach app."),
    Side.PIPEDRIVE: say("Changed in Pipedrive."),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What one connection's settings mean at present: everything `decide` has to know beside the records."""

    settings: Settings
    pairs: tuple[Pair, ...]
    """The mappings that work; those that name something gone sleep."""
    outreach: OutreachCatalogue = field(default_factory=OutreachCatalogue)
    pipedrive: PipedriveCatalogue = field(default_factory=PipedriveCatalogue)
    fields: Mapping[str, tuple[str, str]] = field(init=False, repr=False, compare=False)
    """Mapping key -> the field of either side. Made once, since each record's plan says it."""
    _ways: dict[Direction, Settings] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pairs = {pair.key: (pair.mapping.outreach, pair.mapping.pipedrive) for pair in self.pairs}
        object.__setattr__(self, "fields", pairs)

    @property
    def owner_id(self) -> str | None:
        return owner_of(self.settings, self.pipedrive)

    def field(self, side: Side, key: str) -> Field | None:
        return (self.outreach if side is Side.OUTREACH else self.pipedrive).field(key)

    def in_direction(self, direction: Direction) -> Settings:
        """The settings for a transfer, which goes in its own direction: made once, since every record asks for them."""
        if direction not in self._ways:
            self._ways[direction] = self.settings.in_direction(direction)
        return self._ways[direction]


def owner_of(settings: Settings, pipedrive: PipedriveCatalogue) -> str | None:
    """Who owns what is made in Pipedrive. None: the user who connected, as the chosen one is gone or deactivated."""
    chosen = next((user for user in pipedrive.users if user.id == settings.owner_id), None)
    if pipedrive.users and (chosen is None or not chosen.active):
        return None
    return settings.owner_id


def rules_of(
    settings: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue, *, country: str = ""
) -> Rules:
    """`country` (ISO 3166) is how phone numbers without a country code are read."""
    return Rules(settings, active_pairs(settings, outreach, pipedrive, country=country), outreach, pipedrive)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer of existing records: `direction` is one of the two one-way directions."""

    direction: Direction
    source_app: Side

    @property
    def target(self) -> Side:
        return Side.OUTREACH if self.direction is Direction.FROM_PIPEDRIVE else Side.PIPEDRIVE


@dataclass(frozen=True, slots=True)
class Leave:
    """Changes that a member chose to leave where they were made: nothing is written, and both sides agree to differ."""


Mode = Transfer | Leave | None
"""None: real time."""
LIVE: Mode = None
LEAVE: Mode = Leave()


@dataclass(frozen=True, slots=True)
class LinkView:
    """A stored link as the decision sees it; `base` decoded for the pairs in force."""

    prospect_id: str
    person_id: str
    base: Base = field(default_factory=dict)
    state: LinkState = LinkState.LINKED

    def id_of(self, side: Side) -> str:
        return self.prospect_id if side is Side.OUTREACH else self.person_id


@dataclass(frozen=True, slots=True)
class Situation:
    """What was seen of one pair.

    Linked: both sides were looked at. Unlinked: `origin` names the side whose record this is about; where the other
    side's record is given as well, a person has said that these two are the same.
    """

    link: LinkView | None
    prospect: Seen | None
    person: Seen | None
    origin: Side
    candidates: tuple[Record, ...] = ()
    """The other side's unlinked records that share an address."""
    taken: tuple[str, ...] = ()
    """The other side's records that share an address and are linked to somebody else."""
    barred: str = ""
    """Why an unlinked record must not travel, where that can't be seen from the record: outside the Pipedrive filter."""

    def seen(self, side: Side) -> Seen | None:
        return self.prospect if side is Side.OUTREACH else self.person


def decide(situation: Situation, rules: Rules, mode: Mode = LIVE) -> Plan:
    """What is to be done about one pair, and why. Pure: the same situation always comes to the same plan."""
    if situation.link is not None:
        return _decide_linked(situation, situation.link, rules, mode)
    return _decide_unlinked(situation, rules, mode)


# --- Linked --------------------------------------------------------------------------------------------------------


def _decide_linked(situation: Situation, link: LinkView, rules: Rules, mode: Mode) -> Plan:
    prospect, person = situation.prospect, situation.person
    if prospect is None or person is None:
        raise ValueError("Both records of a link are looked at before anything is decided about it.")
    if isinstance(prospect, Gone):
        return _decide_gone(link, prospect, person, situation.taken)
    if isinstance(person, Gone):
        return _decide_gone(link, person, prospect, situation.taken)
    plan = _plan_pair(prospect, person, link.base, rules, mode)
    if link.state is LinkState.LINKED:
        return plan
    back = _BACK[Side.OUTREACH if link.state is LinkState.PROSPECT_GONE else Side.PIPEDRIVE]
    return replace(plan, reason=f"{back} {plan.reason}".strip())


def _decide_gone(link: LinkView, gone: Gone, other: Seen, taken: Sequence[str]) -> Plan:
    """A deletion never cascades, and what was deleted is not made again by surprise."""
    side = gone.side
    ids = {Side.OUTREACH: link.prospect_id, Side.PIPEDRIVE: link.person_id}
    state = _state_without(gone, link)
    survivor = gone.merged_into
    if survivor is not None and survivor not in taken:
        ids[side] = survivor
        reason = _merged(gone, survivor)
        return _link_plan(Decision.MOVE, reason, ids, link, LinkState.LINKED, merged_into=survivor)
    if survivor is not None:
        reason = _merged_into_linked(gone, survivor)
    elif isinstance(other, Gone):
        reason = _BOTH_GONE[side]
    elif state is LinkState.PERSON_UNSEEN:
        reason = _UNSEEN
    else:
        reason = _DELETED[side]
    decision = Decision.SKIP if link.state is state else Decision.UNLINK
    return _link_plan(decision, reason, ids, link, state, merged_into=survivor)


def _merged(gone: Gone, survivor: str) -> str:
    if gone.side is Side.OUTREACH:
        return say(
            "The prospect {id} was merged into {survivor} in the outreach app.", id=gone.id, survivor=survivor
        )
    return say("The person {id} was merged into {survivor} in Pipedrive.", id=gone.id, survivor=survivor)


def _merged_into_linked(gone: Gone, survivor: str) -> str:
    if gone.side is Side.OUTREACH:
        return say(
            "The prospect {id} was merged into {survivor} in the outreach app, which is linked already.",
            id=gone.id,
            survivor=survivor,
        )
    return say(
        "The person {id} was merged into {survivor} in Pipedrive, which is linked already.",
        id=gone.id,
        survivor=survivor,
    )


def _state_without(gone: Gone, link: LinkView) -> LinkState:
    """What was known to be deleted stays so, also once Pipedrive has forgotten it."""
    if gone.side is Side.OUTREACH:
        return LinkState.PROSPECT_GONE
    told = gone.deleted or gone.merged_into is not None or link.state is LinkState.PERSON_GONE
    return LinkState.PERSON_GONE if told else LinkState.PERSON_UNSEEN


def _link_plan(
    decision: Decision,
    reason: str,
    ids: Mapping[Side, str],
    link: LinkView,
    state: LinkState,
    merged_into: str | None = None,
) -> Plan:
    return Plan(
        decision,
        reason,
        prospect_id=ids[Side.OUTREACH],
        person_id=ids[Side.PIPEDRIVE],
        base=link.base,
        state=state,
        merged_into=merged_into,
    )


# --- Unlinked ------------------------------------------------------------------------------------------------------


def _decide_unlinked(situation: Situation, rules: Rules, mode: Mode) -> Plan:
    """Admitted at all? Then: chosen by a person, several fit, one fits, nobody does."""
    origin = situation.seen(situation.origin)
    if not isinstance(origin, Record):
        return Plan(Decision.SKIP, GONE[situation.origin])
    if isinstance(mode, Leave):
        return _about(
            origin, Plan(Decision.SKIP, say("A member chose to leave this change where it was made."))
        )
    chosen = situation.seen(situation.origin.other)
    if isinstance(chosen, Record):
        return _plan_meeting(origin, chosen, rules, mode)
    why_not = situation.barred or _effective(rules, mode).why_not(origin)
    if why_not:
        return _about(origin, Plan(Decision.SKIP, why_not))
    candidates = tuple(found for found in situation.candidates if shares_address(origin, found))
    if situation.taken or len(candidates) > 1:
        return _ask(origin, candidates, situation.taken)
    if candidates:
        return _plan_meeting(origin, candidates[0], rules, mode)
    return _plan_create(origin, rules, mode)


def _effective(rules: Rules, mode: Mode) -> Settings:
    """A transfer goes in its own direction, also against a one-way connection's."""
    return rules.in_direction(mode.direction) if isinstance(mode, Transfer) else rules.settings


def _about(origin: Record, plan: Plan) -> Plan:
    if origin.side is Side.OUTREACH:
        return replace(plan, prospect_id=origin.id)
    return replace(plan, person_id=origin.id)


def _ask(origin: Record, candidates: Sequence[Record], taken: Sequence[str]) -> Plan:
    other = origin.side.other
    ids = tuple(dict.fromkeys([*(found.id for found in candidates), *taken]))
    reason = _TAKEN[other] if len(ids) == 1 else _SEVERAL[other](len(ids))
    return _about(origin, Plan(Decision.ASK, reason, candidates=ids, candidates_side=other))


def _plan_meeting(origin: Record, found: Record, rules: Rules, mode: Mode) -> Plan:
    """The first meeting of two records that were not linked until now."""
    prospect, person = (origin, found) if origin.side is Side.OUTREACH else (found, origin)
    shared = shared_addresses(origin, found)
    reason = say("Both have the address {address}.", address=shared[0]) if shared else say("Linked by hand.")
    plan = _plan_pair(prospect, person, {}, rules, mode, meeting=True)
    return replace(plan, reason=reason, new_link=True)


def _plan_create(origin: Record, rules: Rules, mode: Mode) -> Plan:
    """Everything the origin shows and the other side takes, and the constants of the created side."""
    side = origin.side.other
    settings = _effective(rules, mode)
    empty = empty_record(side, rules.pairs)
    prospect, person = (origin, empty) if origin.side is Side.OUTREACH else (empty, origin)
    policy = Live(settings.direction, settings.winner, meeting=True)
    merged = merge_records(prospect, person, {}, rules.pairs, policy)
    constants, refused = _constants(empty, side, rules, settings, creating=True)
    reason = _NOBODY[side] if origin.emails else _NO_ADDRESS[side]
    plan = Plan(
        Decision.CREATE,
        reason,
        new_link=True,
        writes=(Write(Act.CREATE, side, None, merged.changes[side] + constants),),
        base=merged.base,
        agreed=merged.agreed,
        fields=rules.fields,
        refusals=merged.refusals + refused,
    )
    return _about(origin, plan)


# --- Both there ----------------------------------------------------------------------------------------------------


def _plan_pair(
    prospect: Record, person: Record, base: Base, rules: Rules, mode: Mode, *, meeting: bool = False
) -> Plan:
    policy = _policy(rules.settings, mode, meeting)
    merged = merge_records(prospect, person, base, rules.pairs, policy)
    constants: tuple[FieldChange, ...] = ()
    refusals = merged.refusals
    if isinstance(mode, Transfer):  # whoever the source is: a constant has no other side to be read from
        target = prospect if mode.target is Side.OUTREACH else person
        constants, refused = _constants(target, mode.target, rules, _effective(rules, mode))
        refusals += refused
    writes = _writes(prospect, person, merged, constants, mode)
    return Plan(
        Decision.UPDATE if writes else Decision.UNCHANGED,
        _why(writes, mode),
        prospect_id=prospect.id,
        person_id=person.id,
        writes=writes,
        base=merged.base,
        agreed=merged.agreed,
        fields=rules.fields,
        refusals=refusals,
    )


def _policy(settings: Settings, mode: Mode, meeting: bool) -> Policy:
    if not isinstance(mode, Transfer):
        return Live(settings.direction, settings.winner, meeting, leaving=isinstance(mode, Leave))
    written = mode.source_app.other
    return Overwrite(mode.source_app, written is mode.target or settings.direction.flows_to(written))


def _writes(
    prospect: Record,
    person: Record,
    merged: MergedRecords,
    constants: tuple[FieldChange, ...],
    mode: Mode,
) -> tuple[Write, ...]:
    writes = []
    for record in (prospect, person):
        changes = merged.changes[record.side]
        if isinstance(mode, Transfer) and record.side is mode.target:
            changes += constants
        if changes:
            writes.append(Write(Act.UPDATE, record.side, record.id, changes))
    return tuple(writes)


def _why(writes: Sequence[Write], mode: Mode) -> str:
    if not writes:
        return ""
    if isinstance(mode, Transfer):
        return _TRANSFERRED[mode.target]
    if len(writes) == 2:
        return say("Changed in both apps.")
    return _CHANGED[writes[0].side.other]


def _constants(
    record: Record, side: Side, rules: Rules, settings: Settings, *, creating: bool = False
) -> tuple[tuple[FieldChange, ...], tuple[Refusal, ...]]:
    """What the constants would change in this record. A field that the side does not show is not written to."""
    changes: list[FieldChange] = []
    refusals: list[Refusal] = []
    mapped = {pair.of(side) for pair in rules.pairs}
    for constant in settings.constants_of(side):
        target = rules.field(side, constant.field)
        if target is None or constant.field in mapped:
            continue
        before: Value = None if creating else record.value(constant.field)
        value = constant_value(constant, target)
        if isinstance(value, Unreadable):
            refusals.append(Refusal(side, target.key, target.name, value, value.reason))
            continue
        if not is_readable(before) or same(target.kind, before, value):
            continue
        fitted = fit(value, target, side)
        if isinstance(fitted, Refusal):
            refusals.append(fitted)
        else:
            changes.append(FieldChange(target.key, before, fitted))
    return tuple(changes), tuple(refusals)


# --- Afterwards ----------------------------------------------------------------------------------------------------


def finish(plan: Plan, returned: Mapping[Side, Record]) -> Base:
    """The base to remember, given the records that the plan's writes returned: a side without one was not written.

    Of a written field the side's own answer counts, so that an app's way of spelling is no change later. A field that
    was to be written on a side that was not is remembered as before: it still counts as changed. Fields that a write
    touches without naming them (`_touched`) count as answered too.
    """
    if not plan.writes and not plan.agreed:
        return plan.base
    base = dict(plan.base)
    sent = {write.side: {change.field for change in write.changes} for write in plan.writes}
    touched = {write.side: _touched(plan, write, returned.get(write.side)) for write in plan.writes}
    for key, fields in plan.fields.items():
        written = [side for side in sent if _of(fields, side) in sent[side]]
        if written and key not in plan.agreed:
            continue
        entry = base.get(key)
        if key in plan.agreed and all(side in returned for side in written or sent):
            entry = plan.agreed[key]
        elif written or entry is None:
            continue
        for side in sent:
            if side in returned and (side in written or touched[side](_of(fields, side))):
                entry = _as_answered(entry, side, returned[side], fields)
        base[key] = entry
    return base


def agreed_by(plan: Plan, write: Write) -> Base:
    """What both sides agree on once this write of the plan is done, for the pairs that need no other one."""
    sent = {each.side: {change.field for change in each.changes} for each in plan.writes}
    return {
        key: plan.agreed[key]
        for key, fields in plan.fields.items()
        if key in plan.agreed and [side for side in sent if _of(fields, side) in sent[side]] == [write.side]
    }


def _touched(plan: Plan, write: Write, answer: Record | None) -> Callable[[str], bool]:
    """Which fields of the written record count as answered beside those that were sent: of one just created all of them,
    since nobody else has edited it yet; of a changed name both parts, if the whole is what we made of it. Where it is not,
    somebody edited the other part meanwhile.
    """
    if write.act is Act.CREATE:
        return lambda key: True
    after = {change.field: change.after for change in write.changes}
    if answer is None or _NAME_PARTS.isdisjoint(after):
        return lambda key: False
    meant = {
        part: (plan.agreed.get(key) or plan.base.get(key) or NO_NAME)[write.side is Side.PIPEDRIVE]
        for key, fields in plan.fields.items()
        if (part := _of(fields, write.side)) in _NAME_PARTS
    } | after
    ours = _whole_name(meant) == _whole_name({part: answer.value(part) for part in meant})
    return lambda key: ours and key in _NAME_PARTS


def _whole_name(parts: Mapping[str, Value]) -> str:
    held = [parts.get(part) for part in (FIRST_NAME, LAST_NAME)]
    return " ".join(word for part in held if isinstance(part, str) for word in part.split()).casefold()


NO_NAME: Entry = (None, None)
_NAME_PARTS = frozenset({FIRST_NAME, LAST_NAME})


def _as_answered(entry: Entry, side: Side, answer: Record, fields: tuple[str, str]) -> Entry:
    """The entry with what this side answered; where the answer does not show the field, what we sent."""
    value = answer.value(_of(fields, side))
    if not is_readable(value):
        return entry
    return (value, entry[1]) if side is Side.OUTREACH else (entry[0], value)


def _of(fields: tuple[str, str], side: Side) -> str:
    return fields[0] if side is Side.OUTREACH else fields[1]
