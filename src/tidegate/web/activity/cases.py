"""One case under Needs attention as a reader sees it: the record, the candidates side by side.

Candidates are looked up for all shown cases at once, in what we remember of both sides; nothing is asked of Pipedrive.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tidegate.core.cases import LACKS_OPTION
from tidegate.core.records import Side
from tidegate.prospects.models import Prospect
from tidegate.store import queries
from tidegate.store.models import Attention, Connection
from tidegate.web.activity.corrections import correction_forms, fields_at_fault
from tidegate.web.activity.details import technical_details
from tidegate.web.activity.log import person_url
from tidegate.web.prospects.forms import ProspectForm


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the records that fit, with what tells it from the others."""

    id: str
    name: str
    details: tuple[str, ...]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    attention: Attention
    candidates: tuple[Candidate, ...] = ()
    candidates_side: str = ""
    person_url: str = ""
    email: str = ""
    """An address of the record: names alone don't say who is meant."""
    form: ProspectForm | None = None
    """What of the prospect can be corrected on the spot."""

    @property
    def technical_details(self) -> str:
        return technical_details(self.attention)

    @property
    def lacks_option(self) -> bool:
        return bool(self.attention.facts.get(LACKS_OPTION))

    @property
    def is_corrected_in_pipedrive(self) -> bool:
        return bool(self.person_url and fields_at_fault(self.attention, Side.PIPEDRIVE))


def cases_of(
    connection: Connection, rows: Sequence[Attention], wrong: Mapping[int, ProspectForm] | None = None
) -> tuple[Case, ...]:
    """Rows with their candidates looked up: all of them at once, from what we remember of both sides.

    `wrong`: forms that were sent and not saved.
    """
    there = _prospects(connection, {row.prospect_id for row in rows})
    forms = correction_forms(connection, rows, there) | dict(wrong or {})
    persons, prospects = set[str](), set[str]()
    for row in rows:
        (persons if candidates_side(row) is Side.PIPEDRIVE else prospects).update(candidate_ids(row))
    known = _person_candidates(connection, persons) | _prospect_candidates(connection, prospects)
    return tuple(
        Case(
            row,
            candidates=tuple(known[candidates_side(row), found] for found in candidate_ids(row)),
            candidates_side=candidates_side(row).value,
            person_url=person_url(connection, row.person_id),
            email=_email(there.get(row.prospect_id)),
            form=forms.get(row.pk),
        )
        for row in rows
    )


def _prospects(connection: Connection, ids: Collection[str]) -> dict[str, Prospect]:
    numbers = [int(pid) for pid in ids if pid.isdecimal()]
    rows = Prospect.objects.filter(workspace_id=connection.workspace_id, pk__in=numbers)
    return {str(row.pk): row for row in rows}


def _email(prospect: Prospect | None) -> str:
    return str(prospect.emails[0]["value"]) if prospect is not None and prospect.emails else ""


def candidate_ids(row: Attention) -> list[str]:
    found = row.facts.get("candidates", [])
    return [str(candidate) for candidate in found] if isinstance(found, list) else []


def candidates_side(row: Attention) -> Side:
    return Side.OUTREACH if row.facts.get("candidates_side") == Side.OUTREACH.value else Side.PIPEDRIVE


def _person_candidates(connection: Connection, ids: set[str]) -> dict[tuple[Side, str], Candidate]:
    cards = queries.person_cards(connection.lane, ids)
    return {
        (Side.PIPEDRIVE, pid): Candidate(
            pid,
            card.name or _("Person %(id)s") % {"id": pid},
            tuple(part for part in (card.organization, *card.emails) if part),
            person_url(connection, pid),
        )
        for pid, card in cards.items()
    }


def _prospect_candidates(connection: Connection, ids: set[str]) -> dict[tuple[Side, str], Candidate]:
    known = _prospects(connection, ids)
    found: dict[tuple[Side, str], Candidate] = {}
    for pid in ids:
        row = known.get(pid)
        details = (row.company, *(str(entry["value"]) for entry in row.emails)) if row else ()
        name = row.name if row else _("Prospect %(id)s") % {"id": pid}
        found[Side.OUTREACH, pid] = Candidate(pid, name, tuple(part for part in details if part))
    return found
