"""Ways to connect Pipedrive: by signing in there, or by a personal token; and how to make this server known to Pipedrive."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from tidegate.config import config
from tidegate.errors import Invalid, TidegateError
from tidegate.store.models import Connection, Membership, Role, User, Workspace
from tidegate.store.oauth_app import register_app, registered_app
from tidegate.web.access import MemberRequest, editor_required, get_connection
from tidegate.web.integrations.callback import RENEWED
from tidegate.web.integrations.permissions import SCOPES
from tidegate.web.integrations.problems import Problem, problem_page
from tidegate.web.setup.steps import stepper
from tidegate.wiring import actions

DEVELOPER_HUB = "https://app.pipedrive.com/developer-hub"


@editor_required
def explain(request: MemberRequest) -> HttpResponse:
    """The first step of the set-up: what Tidegate asks for, and why."""
    if registered_app() is None:
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


class AppForm(forms.Form):
    client_id = forms.CharField(
        label=gettext_lazy("Client ID"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        max_length=200,
        help_text=gettext_lazy("Kept encrypted on this server, and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@sensitive_post_parameters("client_secret")
@editor_required
def register(request: MemberRequest) -> HttpResponse:
    """How to make this server known to Pipedrive, step by step, with the values to enter there and here."""
    app, may_register = registered_app(), runs_the_server(request.user)
    form = AppForm(request.POST or None, initial={"client_id": app.client_id} if app else None)
    if request.method == "POST":
        if not may_register or (app and app.from_environment):
            raise PermissionDenied(_("Only an owner of this server’s first workspace can do this."))
        if form.is_valid():
            register_app(
                form.cleaned_data["client_id"], form.cleaned_data["client_secret"], actor=str(request.user)
            )
            messages.success(request, _("Saved. This server is known to Pipedrive now."))
            return redirect("setup-start")
    context = {
        "callback": config.public_url + reverse("oauth-callback"),
        "scopes": SCOPES,
        "developer_hub": DEVELOPER_HUB,
        "app": app,
        "form": form,
        "may_register": may_register,
        **stepper(None, "connect"),
    }
    return render(request, "web/integrations/register.html", context, status=422 if form.errors else 200)


def runs_the_server(user: User) -> bool:
    """The app is the whole server's: owners of the first workspace, which the set-up code made, may change it."""
    first = Workspace.objects.order_by("created_at").first()
    return Membership.objects.filter(workspace=first, user=user, role=Role.OWNER).exists()


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
            known = RENEWED % {"company": made.company_name} if made.was_there else None
            messages.success(request, known or _("Pipedrive is connected."))
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
            actor=str(request.user),
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
