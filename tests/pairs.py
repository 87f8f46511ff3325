"""Fields, records, rules and links for tests of the core: sensible defaults, then what matters to the test at hand."""

from collections.abc import Iterable, Mapping

from tidegate.core.catalogue import (
    Field,
    NamedList,
    Option,
    OutreachCatalogue,
    PipedriveCatalogue,
    Pipeline,
    Stage,
    User,
)
from tidegate.core.operations import Base, LinkState, Plan
from tidegate.core.planning import LIVE, LinkView, Mode, Rules, Situation, decide, rules_of
from tidegate.core.records import Record, Seen, Side
from tidegate.core.settings import SYSTEM_MAPPINGS, Constant, Direction, FieldMapping, Pair, Settings
from tidegate.core.values import Kind, Value

OUTREACH, PIPEDRIVE = Side.OUTREACH, Side.PIPEDRIVE
HOT, COLD = Option("1", "Hot"), Option("2", "Cold")

OUTREACH_FIELDS = (
    Field("first_name", "First name", Kind.TEXT, max_length=30),
    Field("last_name", "Last name", Kind.TEXT, max_length=30),
    Field("email", "E-mail", Kind.EMAIL, max_length=100),
    Field("company", "Company name", Kind.TEXT, max_length=60),
    Field("phone", "Phone", Kind.PHONE, max_length=40),
    Field("job_title", "Position", Kind.TEXT, max_length=60),
    Field("custom.heat", "Heat", Kind.OPTION, custom=True, options=(HOT, COLD, Option("3", "Lukewarm"))),
    Field("custom.score", "Score", Kind.NUMBER, custom=True),
    Field("custom.origin", "Origin", Kind.TEXT, custom=True, max_length=30),
)
PIPEDRIVE_FIELDS = (
    Field("first_name", "First name", Kind.TEXT, max_length=30),
    Field("last_name", "Last name", Kind.TEXT, max_length=30),
    Field("email", "Email", Kind.EMAIL),
    Field("phone", "Phone", Kind.PHONE),
    Field("organization", "Organization", Kind.TEXT, max_length=60),
    Field("job_title", "Job title", Kind.TEXT, max_length=20),
    Field("heat40", "Temperature", Kind.OPTION, custom=True, options=(HOT, COLD, Option("9", "Icy"))),
    Field("score40", "Points", Kind.NUMBER, custom=True, max_digits=6),
    Field("source40", "Source", Kind.TEXT, custom=True, max_length=30),
    Field("mobile40", "Mobile", Kind.PHONE, custom=True, single=True),
)
MAPPINGS = (
    *SYSTEM_MAPPINGS,
    FieldMapping("phone", "phone"),
    FieldMapping("job_title", "job_title"),
    FieldMapping("custom.heat", "heat40"),
    FieldMapping("custom.score", "score40"),
)
CONSTANTS = (
    Constant(Side.OUTREACH, "custom.origin", "from Pipedrive"),
    Constant(Side.PIPEDRIVE, "source40", "from campaigns"),
)

PIPELINES = (
    Pipeline(
        "1",
        "New business",
        1,
        (Stage("1", "Lead in", "1", 1), Stage("2", "Contacted", "1", 2), Stage("3", "Demo booked", "1", 3)),
    ),
    Pipeline("2", "Partners", 2, (Stage("7", "Talking", "2", 1), Stage("8", "Signed", "2", 2))),
)


def make_field(kind: Kind = Kind.TEXT, key: str = "field", **facts: object) -> Field:
    return Field(key, str(facts.pop("name", key)), kind, **facts)  # type: ignore[arg-type]


def make_pair(
    kind: Kind = Kind.TEXT,
    *,
    outreach: Field | None = None,
    pipedrive: Field | None = None,
    country: str = "",
) -> Pair:
    left = outreach or make_field(kind, "left")
    right = pipedrive or make_field(kind, "right")
    return Pair(FieldMapping(left.key, right.key), left, right, country)


def make_settings(direction: Direction = Direction.TWO_WAY, **facts: object) -> Settings:
    facts.setdefault("mappings", MAPPINGS)
    facts.setdefault("sync_to_list", "1")
    facts.setdefault("owner_id", "7")
    return Settings(direction=direction, **facts)  # type: ignore[arg-type]


def make_rules(direction: Direction = Direction.TWO_WAY, **facts: object) -> Rules:
    outreach = OutreachCatalogue(OUTREACH_FIELDS, (NamedList("1", "Prospects"), NamedList("2", "Others")))
    pipedrive = PipedriveCatalogue(PIPEDRIVE_FIELDS, (User("7", "Olga Owner"),), PIPELINES)
    return rules_of(make_settings(direction, **facts), outreach, pipedrive)


def _make(side: Side, fields: Iterable[Field], record_id: str, values: Mapping[str, Value]) -> Record:
    empty: dict[str, Value] = {f.key: () if f.kind in (Kind.EMAIL, Kind.PHONE) else None for f in fields}
    emails = values.get("email")
    return Record(
        side,
        record_id,
        {**empty, **values},
        emails=emails if isinstance(emails, tuple) else (),
        name=str(values.get("first_name") or ""),
        list_ids=frozenset({"1"}) if side is Side.OUTREACH else frozenset(),
    )


def make_prospect(record_id: str = "11", **values: Value) -> Record:
    """A prospect of list 1 that shows every field; keys may be given without their prefix (`heat` for `custom.heat`)."""
    return _make(OUTREACH, OUTREACH_FIELDS, record_id, _keyed(OUTREACH_FIELDS, values))


def make_person(record_id: str = "21", **values: Value) -> Record:
    return _make(PIPEDRIVE, PIPEDRIVE_FIELDS, record_id, _keyed(PIPEDRIVE_FIELDS, values))


def _keyed(fields: Iterable[Field], values: Mapping[str, Value]) -> dict[str, Value]:
    keys = {f.key for f in fields}
    known = {**{key.removeprefix("custom.").removesuffix("40"): key for key in keys}, **{k: k for k in keys}}
    return {known[key]: value for key, value in values.items()}


def make_base(prospect: Record, person: Record, rules: Rules) -> Base:
    """The base of two records that agree on what they show now."""
    return {p.key: (prospect.value(p.of(OUTREACH)), person.value(p.of(PIPEDRIVE))) for p in rules.pairs}


def make_link(base: Base, state: LinkState = LinkState.LINKED) -> LinkView:
    return LinkView("11", "21", base, state)


def decide_linked(
    prospect: Seen, person: Seen, base: Base, rules: Rules, mode: Mode = LIVE, **facts: object
) -> Plan:
    link = facts.pop("link", None) or make_link(base)
    situation = Situation(link, prospect, person, Side.OUTREACH, **facts)  # type: ignore[arg-type]
    return decide(situation, rules, mode)


def decide_unlinked(
    origin: Seen, rules: Rules, mode: Mode = LIVE, *, candidates: tuple[Record, ...] = (), **facts: object
) -> Plan:
    """About a record that is not linked yet."""
    prospect, person = (origin, None) if origin.side is Side.OUTREACH else (None, origin)
    situation = Situation(None, prospect, person, origin.side, candidates, **facts)  # type: ignore[arg-type]
    return decide(situation, rules, mode)
