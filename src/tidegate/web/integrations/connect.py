"""Ways to connect Pipedrive: by signing in there, or by a personal token; and how to make this server known to Pipedrive."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from tidegate.config import config
from tidegate.errors import Invalid, TidegateError
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest, editor_required, get_connection
from tidegate.web.integrations.problems import Problem, problem_page
from tidegate.web.setup.steps import stepper
from tidegate.wiring import actions

DEVELOPER_HUB = "https://app.pipedrive.com/developer-hub"

SCOPES = (
    (
        "contacts:full",
        gettext_lazy("Contacts, full access"),
        gettext_lazy("Create and update people and organizations, read their fields"),
    ),
    (
        "deals:full",
        gettext_lazy("Deals, full access"),
        gettext_lazy("Create deals and move them between stages, only in automations you switch on"),
    ),
    (
        "activities:full",
        gettext_lazy("Activities, full access"),
        gettext_lazy("Add campaign e-mails as done activities, and tasks from automations"),
    ),
    (
        "users:read",
        gettext_lazy("Users, read"),
        gettext_lazy("Let you choose who owns what Tidegate creates"),
    ),
    (
        "webhooks:full",
        gettext_lazy("Webhooks, full access"),
        gettext_lazy("Hear about changes within seconds"),
    ),
)
"""What the app at Pipedrive must be allowed to do. Pipedrive adds `base`, which tells the company and the user."""


@editor_required
def explain(request: MemberRequest) -> HttpResponse:
    """The first step of the set-up: what Tidegate asks for, and why."""
    if not config.pipedrive_client_id:
        return redirect("connect-register")
    return render(request, "web/integrations/connect.html", {"scopes": SCOPES, **stepper(None, "connect")})


@require_POST
@editor_required
def start(request: MemberRequest, connection_id: UUID | None = None) -> HttpResponse:
    """To Pipedrive's sign-in, for a new connection or to connect one again."""
    connection = get_connection(request, connection_id) if connection_id else None
    try:
        address = actions.connect_url(user=request.user, workspace=request.workspace, connection=connection)
    except Invalid:
        return redirect("connect-register")
    except TidegateError as error:
        return problem_page(request, Problem.of(error), connection)
    return redirect(address)


@editor_required
def register(request: MemberRequest) -> HttpResponse:
    """How to make this server known to Pipedrive, step by step, with the values to enter there."""
    context = {
        "callback": config.public_url + reverse("oauth-callback"),
        "scopes": SCOPES,
        "developer_hub": DEVELOPER_HUB,
        "is_known": bool(config.pipedrive_client_id and config.pipedrive_client_secret),
        **stepper(None, "connect"),
    }
    return render(request, "web/integrations/register.html", context)


class TokenForm(forms.Form):
    company_domain = forms.CharField(
        label=gettext_lazy("Company domain"),
        max_length=100,
        help_text=gettext_lazy(
            "The first part of your Pipedrive’s address: “northlight” in northlight.pipedrive.com."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )
    api_token = forms.CharField(
        label=gettext_lazy("Personal API token"),
        max_length=200,
        help_text=gettext_lazy(
            "In Pipedrive: your picture, Personal preferences, API. It is kept encrypted."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


@sensitive_post_parameters("api_token")
@editor_required
def by_token(request: MemberRequest, connection_id: UUID | None = None) -> HttpResponse:
    """The older way to connect: a member's personal token."""
    connection = get_connection(request, connection_id) if connection_id else None
    form = TokenForm(
        request.POST or None, initial={"company_domain": connection.company_domain} if connection else None
    )
    if request.method == "POST" and form.is_valid():
        made = _connect(request, form, connection)
        if made is not None:
            messages.success(request, _("Pipedrive is connected."))
            return redirect("setup-connected" if made.launched_at is None else "settings", made.pk)
    context = {"form": form, "connection": connection, **stepper(None, "connect")}
    return render(request, "web/integrations/token.html", context, status=422 if form.errors else 200)


def _connect(request: MemberRequest, form: TokenForm, connection: Connection | None) -> Connection | None:
    """The connection, or None with the reason in the form."""
    try:
        return actions.connect_with_token(
            workspace=request.workspace,
            company_domain=form.cleaned_data["company_domain"],
            api_token=form.cleaned_data["api_token"],
            connection=connection,
        )
    except Invalid as error:
        for key, texts in error.errors.items():
            form.add_error(key if key in form.fields else None, list(texts))
        if not error.errors:
            form.add_error(None, error.user_message)
    except TidegateError as error:
        form.add_error(None, error.user_message)
    return None
