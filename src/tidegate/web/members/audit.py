"""The audit log: who changed what in the workspace, the newest first."""

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.store.audit import Act
from tidegate.store.models import AuditEntry
from tidegate.web.access import MemberRequest, member_required

A_PAGE = 50
LONGEST = 400
"""Characters of a value that are shown; the API tells it whole."""

WORDS: dict[Act, str | Promise] = {
    Act.CONNECTED: _("connected"),
    Act.RECONNECTED: _("reconnected"),
    Act.DISCONNECTED: _("disconnected"),
    Act.LAUNCHED: _("launched live sync of"),
    Act.PAUSED: _("paused"),
    Act.RESUMED: _("resumed"),
    Act.HALT_CONFIRMED: _("let through what the brakes stopped of"),
    Act.HALT_DROPPED: _("dropped what the brakes stopped of"),
    Act.CLOSED_UNSUBSCRIBED: _("had everyone who is closed here unsubscribed in Pipedrive of"),
    Act.SETTINGS_SAVED: _("changed the settings of"),
    Act.BUDGET_SET: _("changed the API budget of"),
    Act.OAUTH_REQUIRED: _("changed whether signing in at Pipedrive is required"),
    Act.TRANSFER_STARTED: _("started a transfer of"),
    Act.UNDO_STARTED: _("started to undo a transfer of"),
    Act.INVITED: _("invited"),
    Act.INVITATION_WITHDRAWN: _("withdrew the invitation of"),
    Act.JOINED: _("joined as"),
    Act.ROLE_CHANGED: _("changed the role of"),
    Act.MEMBER_REMOVED: _("removed"),
    Act.API_KEY_MADE: _("made the API key"),
    Act.API_KEY_REVOKED: _("revoked the API key"),
    Act.MAIL_PROVIDER_ADDED: _("made addresses for the e-mail provider"),
    Act.MAIL_PROVIDER_RENEWED: _("renewed the addresses of the e-mail provider"),
    Act.SIGNING_KEY_ENTERED: _("entered the signing key of the e-mail provider"),
    Act.MAIL_PROVIDER_REMOVED: _("removed the e-mail provider"),
}


@member_required
def audit_log(request: MemberRequest) -> HttpResponse:
    rows = AuditEntry.objects.filter(workspace=request.workspace)
    older = request.GET.get("older", "")
    if older.isascii() and older.isdigit() and len(older) < 19:
        rows = rows.filter(pk__lt=int(older))
    found = list(rows.order_by("-pk")[: A_PAGE + 1])
    entries = found[:A_PAGE]
    context = {
        "lines": [{"entry": entry, "did": _did(entry), "changes": changes_of(entry)} for entry in entries],
        "older": entries[-1].pk if len(found) > A_PAGE else None,
        "newest": bool(older),
    }
    return render(request, "web/members/audit_log.html", context)


def _did(entry: AuditEntry) -> str | Promise:
    return WORDS[Act(entry.act)] if entry.act in set(Act) else entry.act


def changes_of(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """Name, before and after of what changed. Of two lists only the items that differ."""
    names = dict.fromkeys([*entry.before, *entry.after])
    return [(name, *_both(entry.before.get(name), entry.after.get(name))) for name in names]


def _both(before: Any, after: Any) -> tuple[str, str]:
    if isinstance(before, list) and isinstance(after, list):
        gone, come = (
            [item for item in before if item not in after],
            [item for item in after if item not in before],
        )
        if gone or come:
            return _text(gone), _text(come)
    return _text(before), _text(after)


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
