"""The settings of a connection, what keeps them from being launched, and what they mean for one record.

One document for page, API, file and engine. `problems` is the only judge of a settings document; the pages mark what it
names red, the API answers it, launch and resume refuse on it. Requirements: D1-D3, X1-X10, K1-K2, A1, L1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tidegate.core.automation import (
    WORTH_AN_UPDATE,
    Automation,
    Trigger,
    automation_problems,
    automations_from_json,
    automations_to_json,
    history_events_from_json,
    working_automations,
)
from tidegate.core.catalogue import Field, OutreachCatalogue, PipedriveCatalogue
from tidegate.core.fitting import fit
from tidegate.core.limits import DEFAULT_LIMITS, Limits, limits_from_json, limits_to_json
from tidegate.core.operations import Refusal
from tidegate.core.parsing import value_from_text
from tidegate.core.problem import Problem
from tidegate.core.records import (
    COMPANY,
    EMAIL,
    FIRST_NAME,
    JOB_TITLE,
    LAST_NAME,
    ORGANIZATION,
    PHONE,
    Record,
    Side,
)
from tidegate.core.values import (
    Json,
    Kind,
    Unreadable,
    Value,
    compatible,
    is_email,
    is_empty,
    item_key,
    same,
)
from tidegate.words import say


class Direction(StrEnum):
    TWO_WAY = "two_way"
    TO_PIPEDRIVE = "to_pipedrive"
    FROM_PIPEDRIVE = "from_pipedrive"

    def flows_to(self, side: Side) -> bool:
        """Whether changes travel into this side."""
        if self is Direction.TWO_WAY:
            return True
        return (self is Direction.TO_PIPEDRIVE) == (side is Side.PIPEDRIVE)

    @property
    def sender(self) -> Side | None:
        """The side that data comes from; None where it comes from both."""
        if self is Direction.TWO_WAY:
            return None
        return Side.OUTREACH if self is Direction.TO_PIPEDRIVE else Side.PIPEDRIVE


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """A pair of fields of one kind that share their value; `outreach` and `pipedrive` are field keys."""

    outreach: str
    pipedrive: str
    key: str = field(init=False, repr=False, compare=False)
    """Under what the link's base remembers this pair. Kept, since every record asks for it many times."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.outreach}={self.pipedrive}")

    def of(self, side: Side) -> str:
        return self.outreach if side is Side.OUTREACH else self.pipedrive


@dataclass(frozen=True, slots=True)
class Pair:
    """A mapping that works, with the two fields it names."""

    mapping: FieldMapping
    outreach: Field
    pipedrive: Field
    country: str = ""
    """How phone numbers without a country code are read."""
    key: str = field(init=False, repr=False, compare=False)
    kind: Kind = field(init=False, repr=False, compare=False)
    """By which kind the two values are compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.mapping.key)
        object.__setattr__(self, "kind", self.outreach.kind)

    def of(self, side: Side) -> str:
        return self.mapping.of(side)

    def field(self, side: Side) -> Field:
        return self.outreach if side is Side.OUTREACH else self.pipedrive

    def same(self, one: Value, other: Value) -> bool:
        """Whether two values mean the same, on whichever side they were seen."""
        return same(self.kind, one, other, self.country)

    def item_key(self, item: str) -> str:
        """By what two addresses or numbers of this pair are told to be the same."""
        return item_key(self.kind, item, self.country)


@dataclass(frozen=True, slots=True)
class Constant:
    """A custom field of one side and the value every record gets that is created in or transferred into it."""

    side: Side
    field: str
    value: str


NAMES = (FieldMapping(FIRST_NAME, FIRST_NAME), FieldMapping(LAST_NAME, LAST_NAME))
SYSTEM_MAPPINGS = (
    *NAMES,
    FieldMapping(EMAIL, EMAIL),
    FieldMapping(COMPANY, ORGANIZATION),
)
"""Always there and always first; they can't be changed or removed."""

DEFAULT_MAPPINGS = (FieldMapping(PHONE, PHONE), FieldMapping(JOB_TITLE, JOB_TITLE))
"""There to begin with where both sides have the field; they can be removed."""


NO_ADDRESS = say("It has no e-mail address, and only records with one are synced.")
NOT_IN_LISTS = say("It is in none of the lists that are synced.")
ONLY_TO = {
    Side.OUTREACH: say("Data flows only to the outreach app."),
    Side.PIPEDRIVE: say("Data flows only to Pipedrive."),
}


@dataclass(frozen=True, slots=True)
class Settings:
    direction: Direction = Direction.TWO_WAY
    sync_to_list: str | None = None
    """The list that receives persons; required when data comes from Pipedrive."""
    owner_id: str | None = None
    """The Pipedrive user who owns what Tidegate creates; required when data goes to Pipedrive."""
    sync_from_lists: tuple[str, ...] | None = None
    """None: all lists, those still to be created included."""
    mappings: tuple[FieldMapping, ...] = SYSTEM_MAPPINGS
    constants: tuple[Constant, ...] = ()
    include_email_history: bool = True
    only_with_email: bool = True
    source_app: Side = Side.PIPEDRIVE
    """Whose value wins when both sides changed one field to different values."""
    filter_id: str | None = None
    """A Pipedrive filter that limits which persons come in."""
    brakes: Limits = DEFAULT_LIMITS
    """How much may change at once before it is stopped and shown to a member."""
    automations: tuple[Automation, ...] = ()
    """What campaign events start in Pipedrive; at most one for each trigger."""
    history_events: tuple[Trigger, ...] = WORTH_AN_UPDATE
    """Which events are worth an update of a campaign e-mail's activity."""
    unsubscribe_in_pipedrive: bool = False
    """Whether who unsubscribes or bounces is unsubscribed from Pipedrive's own Campaigns, too: it can't be taken back."""

    @property
    def winner(self) -> Side:
        """Whose value wins when both sides changed one field to different values: the sender's, or the source app's."""
        return self.direction.sender or self.source_app

    def in_direction(self, direction: Direction) -> "Settings":
        """The same settings for a transfer, which goes in its own direction."""
        return replace(self, direction=direction)

    def why_not(self, record: Record) -> str:
        """Why the settings keep this unlinked record from travelling to the other side; empty where they let it."""
        if not self.direction.flows_to(record.side.other):
            return ONLY_TO[record.side]
        if self.only_with_email and not any(map(is_email, record.emails)):
            return NO_ADDRESS
        if record.side is Side.OUTREACH and not self._in_synced_list(record):
            return NOT_IN_LISTS
        return ""

    def _in_synced_list(self, prospect: Record) -> bool:
        return self.sync_from_lists is None or bool(prospect.list_ids & frozenset(self.sync_from_lists))

    def admits(self, record: Record) -> bool:
        """Whether the settings let this record travel to the other side while it is not linked yet."""
        return not self.why_not(record)

    def constants_of(self, side: Side) -> tuple[Constant, ...]:
        return tuple(c for c in self.constants if c.side is side and self.direction.flows_to(side))


def default_settings(
    outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue, *, owner_id: str | None = None
) -> Settings:
    """What a new connection starts with: the system pairs, and the default pairs both sides have."""
    extras = tuple(m for m in DEFAULT_MAPPINGS if not mapping_problems(m, outreach, pipedrive))
    return Settings(mappings=SYSTEM_MAPPINGS + extras, owner_id=owner_id)


def problems(settings: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue) -> list[Problem]:
    """Everything that is missing or no longer there, in the order of the settings page. Empty: ready to launch."""
    return [
        *_list_problems(settings, outreach),
        *_owner_problems(settings, pipedrive),
        *_filter_problems(settings, pipedrive),
        *_all_mapping_problems(settings, outreach, pipedrive),
        *_constant_problems(settings, outreach, pipedrive),
        *_automation_problems(settings, pipedrive),
    ]


def _list_problems(settings: Settings, outreach: OutreachCatalogue) -> Iterable[Problem]:
    known = {named.id for named in outreach.lists}
    if settings.direction.flows_to(Side.OUTREACH):
        if settings.sync_to_list is None:
            yield Problem(
                "list-missing", "sync_to_list", say("Choose the list that receives people from Pipedrive.")
            )
        elif settings.sync_to_list not in known:
            yield Problem(
                "list-gone", "sync_to_list", say("The chosen list no longer exists. Choose another one.")
            )
    if settings.direction.flows_to(Side.PIPEDRIVE) and settings.sync_from_lists is not None:
        if not settings.sync_from_lists:
            yield Problem("lists-missing", "sync_from_lists", say("Choose at least one list to sync from."))
        elif not known.intersection(settings.sync_from_lists):
            yield Problem(
                "lists-gone",
                "sync_from_lists",
                say("None of the chosen lists exists any more. Choose others."),
            )
        elif not known.issuperset(settings.sync_from_lists):
            yield Problem(
                "lists-gone",
                "sync_from_lists",
                say("One of the chosen lists no longer exists. Choose again."),
            )


def _owner_problems(settings: Settings, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return
    if settings.owner_id is None:
        yield Problem("owner-missing", "owner_id", say("Choose the Pipedrive user who will own new people."))
        return
    owner = next((user for user in pipedrive.users if user.id == settings.owner_id), None)
    if owner is None:
        yield Problem(
            "owner-gone", "owner_id", say("The chosen Pipedrive user no longer exists. Choose another one.")
        )
    elif not owner.active:
        yield Problem(
            "owner-inactive",
            "owner_id",
            say("{owner} is deactivated in Pipedrive. Choose another user.", owner=owner.name),
        )


def _filter_problems(settings: Settings, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    if filter_is_gone(settings, pipedrive):
        yield Problem(
            "filter-gone",
            "filter_id",
            say(
                "The chosen Pipedrive filter no longer exists, so nobody new comes in. Choose another one, or none."
            ),
        )


def filter_is_gone(settings: Settings, pipedrive: PipedriveCatalogue) -> bool:
    """Whether persons would come in by a filter that is not there any more."""
    if settings.filter_id is None or not settings.direction.flows_to(Side.OUTREACH):
        return False
    return pipedrive.filter_of(settings.filter_id) is None


def _all_mapping_problems(
    settings: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue
) -> Iterable[Problem]:
    used: dict[tuple[Side, str], int] = {}
    for index, mapping in enumerate(settings.mappings):
        place = f"mappings.{index}"
        yield from (replace(found, place=place) for found in mapping_problems(mapping, outreach, pipedrive))
        for side in Side:
            if used.setdefault((side, mapping.of(side)), index) != index:
                message = say("This field is mapped already. A field can be mapped once on each side.")
                yield Problem("field-twice", place, message)
    missing = [m for m in SYSTEM_MAPPINGS if m not in settings.mappings]
    if missing:
        yield Problem("system-mapping", "mappings", say("The system pairs can’t be changed or removed."))


def mapping_problems(
    mapping: FieldMapping, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue
) -> list[Problem]:
    """What is wrong with one pair by itself: a field is gone, or the two are of different kinds."""
    left, right = outreach.field(mapping.outreach), pipedrive.field(mapping.pipedrive)
    if left is None:
        return [_gone(mapping, Side.OUTREACH, right)]
    if right is None:
        return [_gone(mapping, Side.PIPEDRIVE, left)]
    if not compatible(left.kind, right.kind):
        message = say(
            "“{left}” and “{right}” hold different types of data. Choose two fields of one type.",
            left=left.name,
            right=right.name,
        )
        return [Problem("kind-differs", mapping.key, message)]
    return []


def missing_options(
    mapping: FieldMapping, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue
) -> dict[Side, tuple[str, ...]]:
    """Per side, the labels it lacks of the other one's options. A warning: only records with such a value are held up."""
    left, right = outreach.field(mapping.outreach), pipedrive.field(mapping.pipedrive)
    if left is None or right is None or not {left.kind, right.kind} <= {Kind.OPTION, Kind.OPTIONS}:
        return {}
    lacking = {
        side: tuple(option.label for option in other.options if own.known_label(option.label) is None)
        for side, own, other in ((Side.OUTREACH, left, right), (Side.PIPEDRIVE, right, left))
    }
    return {side: labels for side, labels in lacking.items() if labels}


def _gone(mapping: FieldMapping, side: Side, partner: Field | None) -> Problem:
    """The field that is gone has no name any more; the one it was mapped with tells which it is."""
    if partner is None:
        message = (
            say("The prospect field no longer exists. Choose another field or remove the pair.")
            if side is Side.OUTREACH
            else say("The Pipedrive field no longer exists. Choose another field or remove the pair.")
        )
    else:
        message = (
            say(
                "The prospect field that was mapped with “{partner}” no longer exists. Choose another field or remove the pair.",
                partner=partner.name,
            )
            if side is Side.OUTREACH
            else say(
                "The Pipedrive field that was mapped with “{partner}” no longer exists. Choose another field or remove the pair.",
                partner=partner.name,
            )
        )
    return Problem("field-gone", mapping.key, message)


def _constant_problems(
    settings: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue
) -> Iterable[Problem]:
    used: set[tuple[Side, str]] = set()
    for index, constant in enumerate(settings.constants):
        place = f"constants.{index}"
        catalogue = outreach if constant.side is Side.OUTREACH else pipedrive
        target = catalogue.field(constant.field)
        twice = (constant.side, constant.field) in used
        used.add((constant.side, constant.field))
        if target is None:
            yield Problem(
                "field-gone", place, say("The constant’s field no longer exists. Choose another one.")
            )
        elif twice:
            yield Problem(
                "constant-twice", place, say("“{field}” has a constant already.", field=target.name)
            )
        elif any(m.of(constant.side) == constant.field for m in settings.mappings):
            yield Problem(
                "constant-mapped",
                place,
                say("“{field}” is mapped, so it can’t be a constant as well.", field=target.name),
            )
        elif not (target.custom and target.writable):
            yield Problem(
                "constant-field",
                place,
                say(
                    "“{field}” is no custom field that can be written. Choose another one.", field=target.name
                ),
            )
        elif message := _constant_fault(constant, target):
            yield Problem("constant-value", place, message)


def _constant_fault(constant: Constant, target: Field) -> str:
    """Why this value would never be written; empty where it would."""
    value = constant_value(constant, target)
    if is_empty(value):
        return say("“{field}” has no value yet. Enter one, or choose no constant.", field=target.name)
    fitted = value if isinstance(value, Unreadable) else fit(value, target, constant.side)
    if isinstance(fitted, Unreadable | Refusal):
        return say("The value doesn’t fit “{field}”: {reason}.", field=target.name, reason=fitted.reason)
    return ""


def _automation_problems(settings: Settings, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    if settings.direction.flows_to(Side.PIPEDRIVE):
        yield from automation_problems(settings.automations, pipedrive)


def constant_value(constant: Constant, target: Field) -> Value:
    """A constant's text as a value of its field; Unreadable where it doesn't fit."""
    return value_from_text(target, constant.value)


def active_pairs(
    settings: Settings, outreach: OutreachCatalogue, pipedrive: PipedriveCatalogue, *, country: str = ""
) -> tuple[Pair, ...]:
    """The pairs that work. A broken one sleeps and holds up nothing."""
    working = []
    for mapping in settings.mappings:
        left, right = outreach.field(mapping.outreach), pipedrive.field(mapping.pipedrive)
        if left is not None and right is not None and compatible(left.kind, right.kind):
            working.append(Pair(mapping, left, right, country))
    return tuple(working)


def active_automations(settings: Settings, pipedrive: PipedriveCatalogue) -> tuple[Automation, ...]:
    """The automations that act: switched on and whole, where data goes to Pipedrive."""
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return ()
    return working_automations(settings.automations, pipedrive)


def settings_to_json(settings: Settings) -> dict[str, Json]:
    """The document as the API, the settings file and the database hold it."""
    return {
        "direction": settings.direction.value,
        "sync_to_list": settings.sync_to_list,
        "owner_id": settings.owner_id,
        "sync_from_lists": None if settings.sync_from_lists is None else list(settings.sync_from_lists),
        "mappings": [{"outreach": m.outreach, "pipedrive": m.pipedrive} for m in settings.mappings],
        "constants": [{"side": c.side.value, "field": c.field, "value": c.value} for c in settings.constants],
        "include_email_history": settings.include_email_history,
        "only_with_email": settings.only_with_email,
        "source_app": settings.source_app.value,
        "filter_id": settings.filter_id,
        "brakes": limits_to_json(settings.brakes),
        "automations": automations_to_json(settings.automations),
        "history_events": [trigger.value for trigger in settings.history_events],
        "unsubscribe_in_pipedrive": settings.unsubscribe_in_pipedrive,
    }


def settings_from_json(raw: Mapping[str, object]) -> Settings:
    """The inverse; keys that are not there keep their default. Expects a document that was checked before."""
    known = Settings()
    lists = raw.get("sync_from_lists")
    mappings, constants = raw.get("mappings"), raw.get("constants")
    return Settings(
        direction=Direction(str(raw.get("direction", known.direction))),
        sync_to_list=_id(raw.get("sync_to_list")),
        owner_id=_id(raw.get("owner_id")),
        sync_from_lists=tuple(str(item) for item in lists) if isinstance(lists, list | tuple) else None,
        mappings=tuple(FieldMapping(m["outreach"], m["pipedrive"]) for m in mappings)
        if isinstance(mappings, list)
        else known.mappings,
        constants=tuple(Constant(Side(c["side"]), c["field"], c["value"]) for c in constants)
        if isinstance(constants, list)
        else (),
        include_email_history=bool(raw.get("include_email_history", known.include_email_history)),
        only_with_email=bool(raw.get("only_with_email", known.only_with_email)),
        source_app=Side(str(raw.get("source_app", known.source_app))),
        filter_id=_id(raw.get("filter_id")),
        brakes=limits_from_json(raw.get("brakes")),
        automations=automations_from_json(raw.get("automations")),
        history_events=history_events_from_json(raw.get("history_events")),
        unsubscribe_in_pipedrive=bool(raw.get("unsubscribe_in_pipedrive", known.unsubscribe_in_pipedrive)),
    )


def _id(raw: object) -> str | None:
    return None if raw in (None, "") else str(raw)
