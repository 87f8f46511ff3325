"""The page of the API keys: made and shown once, revoked after a question. Viewers see which there are."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tidegate.config import config
from tidegate.store.keys import get_api_key, make_api_key, revoke_api_key
from tidegate.store.models import ApiKey, Membership, Role
from tidegate.store.scopes import Scope
from tidegate.web.access import MemberRequest, editor_required, member_required

ALLOWS: dict[Scope, str | Promise] = {
    Scope.READ: gettext_lazy("Read everything"),
    Scope.WRITE_PROSPECTS: gettext_lazy("Change lists, fields and prospects"),
    Scope.WRITE_EVENTS: gettext_lazy("Send campaigns and their events"),
    Scope.WRITE_CONNECTIONS: gettext_lazy("Connections, their settings and status, transfers"),
    Scope.ADMIN: gettext_lazy("Everything, with an owner’s rights"),
}


class KeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What will use it. The name is what logs show."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )

    def __init__(self, data: object, offered: list[Scope]) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # handed on as it came
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)  # noqa: S101 (declared above)
        scopes.choices = [(scope.value, f"{ALLOWS[scope]} ({scope})") for scope in offered]


def offered_to(membership: Membership) -> list[Scope]:
    """A key with the scope `admin` has an owner's rights: only an owner gives them away."""
    return [scope for scope in Scope if scope is not Scope.ADMIN or membership.role == Role.OWNER]


@member_required
def api_keys(request: MemberRequest) -> HttpResponse:
    return _page(request, KeyForm(None, offered_to(request.membership)))


@require_POST
@never_cache
@editor_required
def make(request: MemberRequest) -> HttpResponse:
    """The answer shows the key, this once."""
    offered = offered_to(request.membership)
    form = KeyForm(request.POST, offered)
    if not form.is_valid():
        return _page(request, form)
    made = make_api_key(request.workspace, form.cleaned_data["name"], form.cleaned_data["scopes"])
    return _page(request, KeyForm(None, offered), made=made)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def revoke(request: MemberRequest, key_id: int) -> HttpResponse:
    """Asked first: whatever uses it stops working."""
    key = get_api_key(request.workspace, key_id)
    if request.method == "POST":
        revoke_api_key(key)
        messages.success(request, _("The key “%(name)s” is revoked.") % {"name": key.name})
        return redirect("api-keys")
    return render(request, "web/api_keys/revoke.html", {"key": key})


def _page(request: MemberRequest, form: KeyForm, *, made: tuple[ApiKey, str] | None = None) -> HttpResponse:
    keys = ApiKey.objects.filter(workspace=request.workspace, revoked_at=None).order_by("-pk")
    context = {
        "rows": [{"key": key, "allows": _in_words(key)} for key in keys],
        "form": form,
        "made": made[0] if made else None,
        "plain": made[1] if made else "",
        "api": f"{config.public_url}/api/v1",
        "docs": reverse("api:openapi-view"),
    }
    return render(request, "web/api_keys/api_keys.html", context, status=422 if form.errors else 200)


def _in_words(key: ApiKey) -> list[str | Promise]:
    return [text for scope, text in ALLOWS.items() if scope.value in key.scopes]
