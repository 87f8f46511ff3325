"""A value of a prospect that Pipedrive has no room for, corrected where its refusal is read.

It is the prospect's own form with only the fields at fault, so what is saved is checked, told and followed like any edit
of a member.
"""

from collections.abc import Collection, Mapping

from tidegate.core.records import Side
from tidegate.prospects.models import CustomField, Prospect
from tidegate.prospects.queries import read_fields
from tidegate.store.models import Attention, Connection
from tidegate.web.prospects.forms import ProspectForm


def fields_at_fault(case: Attention, side: Side) -> list[str]:
    """The fields of this side that the refused values of a case come from."""
    found = case.facts.get("correct")
    keys = found.get(side.value) if isinstance(found, Mapping) else None
    return [str(key) for key in keys] if isinstance(keys, list) else []


def correction_forms(
    connection: Connection, cases: Collection[Attention], prospects: Mapping[str, Prospect]
) -> dict[int, ProspectForm]:
    """Case -> its form, where there is something to correct. `prospects`: those that are still there, by their ids."""
    at_fault = {case.pk: fields_at_fault(case, Side.OUTREACH) for case in cases}
    if not any(at_fault.values()):
        return {}
    custom = read_fields(connection.workspace_id)
    forms = {
        case.pk: correction_form(case, prospects[case.prospect_id], custom)
        for case in cases
        if at_fault[case.pk] and case.prospect_id in prospects
    }
    return {pk: form for pk, form in forms.items() if form.fields}


def correction_form(
    case: Attention, prospect: Prospect, custom: list[CustomField], data: object = None
) -> ProspectForm:
    only = fields_at_fault(case, Side.OUTREACH)
    return ProspectForm(data, prospect=prospect, custom=custom, only=only, auto_id=f"fix-{case.pk}-%s")
