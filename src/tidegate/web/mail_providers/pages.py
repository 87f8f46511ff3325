"""The page of the e-mail service providers: their secret addresses made, seen, renewed and removed, and what last came in."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tidegate.adapters.mail_providers.providers import INBOUND, PROVIDERS, TRACKING
from tidegate.errors import Invalid, NotFound
from tidegate.prospects.models import EventType
from tidegate.store.mail_providers import get_mail_provider, remove_mail_provider, renew_secret
from tidegate.store.models import MailProvider
from tidegate.web.access import MemberRequest, editor_required, member_required
from tidegate.web.mail_providers.words import HOW_TO
from tidegate.wiring.mail_providers import add_mail_provider, addresses_of, awaits_key, set_signing_key


@never_cache
@member_required
def mail_providers(request: MemberRequest) -> HttpResponse:
    """Viewers see who delivers and when; the addresses are for those who may change them."""
    return _page(request)


@require_POST
@never_cache
@editor_required
def add(request: MemberRequest) -> HttpResponse:
    chosen = request.POST.get("provider", "")
    try:
        row = add_mail_provider(request.workspace, chosen, actor=str(request.user))
    except Invalid:
        return _page(request, chosen_error=_("Choose a provider from the list."))
    messages.success(
        request, _("An address for %(name)s is made. Enter it there.") % {"name": PROVIDERS[chosen].label}
    )
    return redirect(_place_of(row))


@require_POST
@never_cache
@sensitive_post_parameters("signing_key")
@editor_required
def enter_key(request: MemberRequest, mail_provider_id: UUID) -> HttpResponse:
    row = _get(request, mail_provider_id)
    try:
        set_signing_key(row, request.POST.get("signing_key", "").strip(), actor=str(request.user))
    except Invalid as error:
        return _page(request, key_error={row.pk: error.errors["signing_key"][0]})
    messages.success(
        request, _("Deliveries of %(name)s are taken from now on.") % {"name": PROVIDERS[row.provider].label}
    )
    return redirect(_place_of(row))


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def renew(request: MemberRequest, mail_provider_id: UUID) -> HttpResponse:
    """Asked first: until the new address is entered at the provider, what it delivers is refused."""
    row = _get(request, mail_provider_id)
    if request.method == "POST":
        renew_secret(row, actor=str(request.user))
        messages.success(
            request,
            _("%(name)s has another address. Enter it there.") % {"name": PROVIDERS[row.provider].label},
        )
        return redirect(_place_of(row))
    return render(request, "web/mail_providers/renew.html", {"card": _card(row)})


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def remove(request: MemberRequest, mail_provider_id: UUID) -> HttpResponse:
    """Asked first. What it told stays."""
    row = _get(request, mail_provider_id)
    if request.method == "POST":
        remove_mail_provider(row, actor=str(request.user))
        messages.success(request, _("%(name)s is removed.") % {"name": PROVIDERS[row.provider].label})
        return redirect("mail-providers")
    return render(request, "web/mail_providers/remove.html", {"card": _card(row)})


def _page(
    request: MemberRequest, *, chosen_error: str = "", key_error: dict[UUID, str] | None = None
) -> HttpResponse:
    rows = MailProvider.objects.filter(workspace=request.workspace)
    errors = key_error or {}
    context = {
        "cards": [_card(row, key_error=errors.get(row.pk, "")) for row in rows],
        "choices": [(name, provider.label) for name, provider in PROVIDERS.items()],
        "chosen_error": chosen_error,
    }
    status = 422 if chosen_error or errors else 200
    return render(request, "web/mail_providers/mail_providers.html", context, status=status)


def _card(row: MailProvider, *, key_error: str = "") -> dict[str, object]:
    provider = PROVIDERS[row.provider]
    addresses = addresses_of(row)
    return {
        "row": row,
        "label": provider.label,
        "tracking": addresses.get(TRACKING),
        "inbound": addresses.get(INBOUND),
        "key_called": provider.signing.called if provider.signing else "",
        "awaits_key": awaits_key(row),
        "key_error": key_error,
        "how_to": HOW_TO[row.provider],
        "dropped": _dropped(row),
    }


def _dropped(row: MailProvider) -> str:
    """Which event was left out: its type, and of whom."""
    told = row.dropped_event or {}
    kind, about = str(told.get("type", "")), told.get("prospect") or {}
    label = str(EventType(kind).label) if kind in EventType.values else kind
    return ", ".join(filter(None, (label, str(about.get("email", ""))))) if told else ""


def _place_of(row: MailProvider) -> str:
    return f"{reverse('mail-providers')}#provider-{row.pk}"


def _get(request: MemberRequest, mail_provider_id: UUID) -> MailProvider:
    try:
        return get_mail_provider(request.workspace, mail_provider_id)
    except NotFound as error:
        raise Http404 from error
