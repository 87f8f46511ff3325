"""The constants as the page shows them: which fields are offered, and the control that fits the chosen field's type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tidegate.core.catalogue import Field
from tidegate.core.records import Side
from tidegate.core.settings import Constant, Settings
from tidegate.core.values import Kind
from tidegate.web.said import said
from tidegate.web.setup.draft import Catalogues
from tidegate.web.setup.options import options
from tidegate.web.setup.sentences import Example
from tidegate.web.words import KIND

TAKES_TEXT = frozenset(Kind) - {Kind.USER, Kind.ORGANIZATION, Kind.PERSON, Kind.UNKNOWN, Kind.TIME_RANGE}
"""The kinds a constant can be given for as text."""

EXAMPLES = {
    Kind.MONEY: "120.50 EUR",
    Kind.TIME: "09:30",
    Kind.DATETIME: "2026-03-31 09:30+02:00",
    Kind.DATE_RANGE: "2026-03-01 – 2026-03-31",
    Kind.PHONE: "+46 8 555 0148",
    Kind.LINK: "https://northlight.example",
}


@dataclass(frozen=True, slots=True)
class ShownConstant:
    number: int
    key: str
    value: str
    offered: SafeString
    """Options of the fields, each by its name with its type; the chosen one is among them even when it is gone."""
    control: str
    """`none`, `choice`, `date`, `number` or `text`."""
    choices: list[tuple[str, str]]
    hint: str
    errors: list[str] = field(default_factory=list)

    @property
    def id_part(self) -> str:
        """What tells this row's ids from the others'."""
        return str(self.number)


@dataclass(frozen=True, slots=True)
class ConstantsOf:
    """One side's constants."""

    side: str
    rows: list[ShownConstant]


def shown_constants(
    settings: Settings, catalogues: Catalogues, marks: Mapping[str, list[str]], *, all_sides: bool = False
) -> list[ConstantsOf]:
    """The sides that receive records, each with its constants, or with an empty row to choose one."""
    return [
        ConstantsOf(side.value, _rows(side, settings, catalogues, marks))
        for side in Side
        if all_sides or settings.direction.flows_to(side)
    ]


def _rows(
    side: Side, settings: Settings, catalogues: Catalogues, marks: Mapping[str, list[str]]
) -> list[ShownConstant]:
    chosen = [(index, constant) for index, constant in enumerate(settings.constants) if constant.side is side]
    fields = catalogues.outreach.fields if side is Side.OUTREACH else catalogues.pipedrive.fields
    taken = {m.of(side) for m in settings.mappings} | {constant.field for _index, constant in chosen}
    free = [f for f in fields if f.custom and f.writable and f.kind in TAKES_TEXT and f.key not in taken]
    free.sort(key=lambda f: f.name.casefold())
    if not chosen:
        return [_row(0, None, None, free, [])]
    return [
        _row(
            number,
            constant,
            next((f for f in fields if f.key == constant.field), None),
            free,
            marks.get(f"constants.{index}", []),
        )
        for number, (index, constant) in enumerate(chosen)
    ]


def _row(
    number: int, constant: Constant | None, known: Field | None, free: list[Field], errors: list[str]
) -> ShownConstant:
    offered = options((f.key, _name(f)) for f in free)
    if constant is not None:
        name = _name(known) if known else _("A field that was deleted")
        offered = options([(constant.field, name)], constant.field) + offered
    return ShownConstant(
        number=number,
        key=constant.field if constant else "",
        value=constant.value if constant else "",
        offered=offered,
        control=_control(known) if constant else "none",
        choices=_choices(known),
        hint=_hint(known),
        errors=errors,
    )


def _name(known: Field) -> str:
    return _("%(name)s (%(kind)s)") % {"name": said(known.name), "kind": KIND[known.kind]}


def _control(known: Field | None) -> str:
    match known.kind if known else None:
        case Kind.OPTION | Kind.BOOLEAN:
            return "choice"
        case Kind.DATE:
            return "date"
        case Kind.NUMBER:
            return "number"
        case _:
            return "text"


def _choices(known: Field | None) -> list[tuple[str, str]]:
    if known is None:
        return []
    if known.kind is Kind.BOOLEAN:
        return [("yes", _("Yes")), ("no", _("No"))]
    return [(option.label, option.label) for option in known.options]


def example_lines(
    settings: Settings, catalogues: Catalogues, marks: Mapping[str, list[str]], example: Example
) -> list[SafeString]:
    """What the constants that are whole will do, about somebody who is really in the lists."""
    lines = []
    for index, constant in enumerate(settings.constants):
        fields = catalogues.outreach if constant.side is Side.OUTREACH else catalogues.pipedrive
        known = fields.field(constant.field)
        whole = known and constant.value and not marks.get(f"constants.{index}")
        if known and whole and settings.direction.flows_to(constant.side):
            facts = {
                "name": example.name if example.is_somebody else _("someone"),
                "field": said(known.name),
                "value": _shown_value(known, constant.value),
            }
            lines.append(format_html(_BECOMES[constant.side](), **facts))
    return lines


_BECOMES: dict[Side, Callable[[], str]] = {
    Side.OUTREACH: lambda: _("When someone arrives from Pipedrive, <b>{field}</b> becomes <b>{value}</b>."),
    Side.PIPEDRIVE: lambda: _("When {name} is created in Pipedrive, <b>{field}</b> becomes <b>{value}</b>."),
}


def _shown_value(known: Field, value: str) -> str:
    return dict(_choices(known)).get(value, value)


def _hint(known: Field | None) -> str:
    if known is None:
        return ""
    if known.kind is Kind.OPTION:
        return _("“%(name)s” is a field of single options, so the value is one of its options.") % {
            "name": known.name
        }
    if known.kind is Kind.OPTIONS:
        labels = ", ".join(option.label for option in known.options[:8])
        return _("One or more of its options, with commas between: %(labels)s") % {"labels": labels}
    if known.kind in EXAMPLES:
        return _("For example %(example)s") % {"example": EXAMPLES[known.kind]}
    return ""
