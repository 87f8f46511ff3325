"""The bad ends of connecting: each says what happened, what did and didn't change, and the way on."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tidegate.errors import (
    AuthorizationLost,
    Conflict,
    NotFound,
    PermissionMissing,
    TemporaryError,
    TidegateError,
)
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest

NOTHING_CHANGED = _("Nothing was connected, and nothing was changed in either app.")


@dataclass(frozen=True, slots=True)
class Way:
    """One way on: what for, and how."""

    title: str | Promise
    text: str | Promise
    icon: str = "to"


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    title: str | Promise
    text: str | Promise
    advice: str | Promise = ""
    status: int = 400
    others: tuple[Way, ...] = ()
    """Where there is more than one way on, instead of the advice."""

    @property
    def ways(self) -> tuple[Way, ...]:
        return self.others or (Way(_("What to do"), self.advice),)

    @classmethod
    def of(cls, error: TidegateError) -> "Problem":
        """What an error that ended the way to Pipedrive means for the member."""
        for kind, make in KINDS:
            if isinstance(error, kind):
                return make(error)
        return cls(
            "failed",
            _("Pipedrive could not be connected"),
            error.user_message,
            _(
                "Start again. If it ends like this once more, ask whoever runs this server to look at its log."
            ),
        )


REFUSED = Problem(
    "refused",
    _("You did not agree to what Tidegate asks for"),
    NOTHING_CHANGED,
    _(
        "To connect, agree on Pipedrive’s page. Somebody else with the right to add apps there can do it as well."
    ),
)
STATE_UNKNOWN = Problem(
    "state",
    _("This way back from Pipedrive is not open"),
    _("It was used before, it is too old, or somebody else started it. Nothing was connected."),
    _("Start again from here, in this browser, and go through to the end."),
)


def _unknown_state(error: TidegateError) -> Problem:
    return STATE_UNKNOWN


def _other_company(error: TidegateError) -> Problem:
    if "belongs_to" in error.facts:
        return _not_this_one(str(error.facts["belongs_to"]), str(error.facts["signed_in_to"]))
    return Problem(
        "company",
        _("That Pipedrive account can’t be connected here"),
        error.user_message,
        _(
            "Sign out of Pipedrive or switch the company there, then choose the right one. Tidegate kept no access."
        ),
        status=409,
    )


def _not_this_one(company: str, other: str) -> Problem:
    """Reconnecting ended at another company."""
    names = {"company": company, "other": other}
    text = gettext(
        "You signed in to <b>{other}</b>, but this connection belongs to <b>{company}</b>. Tidegate changed nothing and "
        "kept no access."
    )
    again = gettext(
        "Sign out of Pipedrive or switch the company there, then reconnect and choose %(company)s."
    )
    return Problem(
        "company",
        _("That is a different Pipedrive account"),
        format_html(text, **names),
        status=409,
        others=(
            Way(_("To reconnect"), again % names),
            Way(
                gettext("To sync %(other)s as well") % names,
                _("Try again and stay signed in there. It becomes a connection with settings of its own."),
                "plus",
            ),
        ),
    )


def _code_expired(error: TidegateError) -> Problem:
    return Problem(
        "code",
        _("Pipedrive’s answer came too late"),
        _("The code it sent along is valid for 5 minutes and works once. Nothing was connected."),
        _("Start again and agree within 5 minutes."),
    )


def _scope_missing(error: TidegateError) -> Problem:
    return Problem(
        "scope",
        _("The app may not do everything Tidegate needs"),
        error.user_message,
        _("In Pipedrive’s Developer Hub, switch the missing permissions on for the app, then connect again."),
    )


def _no_answer(error: TidegateError) -> Problem:
    return Problem(
        "down",
        _("Pipedrive does not answer"),
        _("Nothing was connected, and nothing was changed in either app."),
        _("Wait a few minutes and try again. status.pipedrive.com tells whether it is down for everybody."),
        status=503,
    )


KINDS = (
    (NotFound, _unknown_state),
    (Conflict, _other_company),
    (AuthorizationLost, _code_expired),
    (PermissionMissing, _scope_missing),
    (TemporaryError, _no_answer),
)


def problem_page(
    request: MemberRequest, problem: Problem, connection: Connection | None = None
) -> HttpResponse:
    context = {"problem": problem, "connection": connection}
    return render(request, "web/integrations/problem.html", context, status=problem.status)
