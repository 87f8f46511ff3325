"""The first visit to a new server: whoever holds the set-up code becomes the owner of its first workspace.

The code is in the server's log (`store.setup_code`). It works once: when the owner exists, page and code are gone. Two
people who send the form at the same moment make one owner.
"""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth import login
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tidegate.store import setup_code
from tidegate.store.models import Membership, Role, User, Workspace
from tidegate.web.accounts import NewUserForm
from tidegate.web.countries import COUNTRIES

MOST_TRIES = 10
TRIES_SECONDS = 600
FIRST_OWNER_LOCK = 7_301


class FirstRunForm(NewUserForm):
    field_order = ("code", "workspace", "name", "email", "password", "time_zone", "country")

    code = forms.CharField(
        label=gettext_lazy("Set-up code"),
        max_length=40,
        help_text=gettext_lazy(
            "Printed in the server’s log when it started. It proves that this server is yours."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "XXXX-XXXX-XXXX"}
        ),
    )
    workspace = forms.CharField(
        label=gettext_lazy("Workspace name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        error_messages={"invalid": gettext_lazy("Enter a full address, such as maja@northlight.example")},
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Times on all pages are shown in it."),
        initial="Europe/London",
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        help_text=gettext_lazy("How phone numbers without a country code are read."),
        choices=[("", gettext_lazy("Choose…")), *COUNTRIES],
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        zone_field = self.fields["time_zone"]
        assert isinstance(zone_field, forms.ChoiceField)  # noqa: S101 (declared above)
        zone_field.choices = time_zone_choices()

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not setup_code.is_right(code):
            raise forms.ValidationError(
                _("This is not the code. Look for “set-up code” in the log of the server’s latest start.")
            )
        return code


def time_zone_choices() -> list[tuple[str, str]]:
    """Every zone of a place, with the time it is there."""
    now = timezone.now()
    names = sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )
    return [("UTC", _now("UTC", now))] + [
        (name, _now(name, now.astimezone(ZoneInfo(name)))) for name in names
    ]


def _now(zone: str, moment: datetime) -> str:
    return _("%(zone)s, now %(time)s") % {"zone": zone, "time": f"{moment:%H:%M}"}


def first_run(request: HttpRequest) -> HttpResponse:
    """The form for the first owner; gone as soon as there is one."""
    if User.objects.exists():
        return redirect("home")
    if request.method == "POST" and too_many_tries(request):
        return render(request, "429.html", status=429)
    form = FirstRunForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        owner = create_owner(form.cleaned_data)
        if owner is not None:
            login(request, owner, backend="allauth.account.auth_backends.AuthenticationBackend")
        return redirect("home")
    return render(request, "web/first_run.html", {"form": form}, status=422 if form.errors else 200)


def too_many_tries(request: HttpRequest) -> bool:
    """Counts this try. The code is long; this keeps the log quiet and the guesser out."""
    key = f"first-run:{get_adapter().get_client_ip(request)}"
    cache.add(key, 0, TRIES_SECONDS)
    return cache.incr(key) > MOST_TRIES


@transaction.atomic
def create_owner(facts: dict[str, str]) -> User | None:
    """The first user with the first workspace; None where another request was faster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FIRST_OWNER_LOCK])
    if User.objects.exists():
        return None
    owner = User.objects.create_user(facts["email"], facts["password"], name=facts["name"])
    workspace = Workspace.objects.create(
        name=facts["workspace"], time_zone=facts["time_zone"], country=facts["country"]
    )
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    transaction.on_commit(setup_code.forget)
    return owner
