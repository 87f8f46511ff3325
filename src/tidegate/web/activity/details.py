"""The technical details of a case, in a computer's words: what an app was asked and answered, and of which records."""

from http import HTTPStatus

from django.utils.translation import gettext as _

from tidegate.core.cases import AUTOMATION, HISTORY
from tidegate.store.models import Attention


def technical_details(case: Attention) -> str:
    """Lines to be read, and copied for whoever helps; empty where the case came from no app's answer."""
    details = case.details
    if not details:
        return ""
    told = [
        (_("Code"), details.get("code")),
        (_("Answered at"), details.get("at")),
        (_("Tries"), details.get("tries")),
        (_("Prospect"), case.prospect_id),
        (_("Person"), case.person_id),
        *_what_failed(case, details.get("of")),
        (_("Case"), case.pk),
    ]
    lines = [
        f"{details.get('method')} {details.get('path')}    {_status(details.get('status'))}",
        str(details.get("text") or _("The answer gives no reason.")),
        "",
        *(f"{name}: {value}" for name, value in told if value),
    ]
    return "\n".join(lines)


def _what_failed(case: Attention, key: object) -> list[tuple[str, object]]:
    """Of what a campaign's case holds; who could not be unsubscribed is its prospect, whom it names anyway."""
    names = {AUTOMATION: _("Run"), HISTORY: _("Campaign e-mail")}
    return [(names[case.kind], key)] if case.kind in names else []


def _status(status: object) -> str:
    try:
        return f"{status} {HTTPStatus(int(str(status))).phrase}"
    except ValueError:
        return str(status)
