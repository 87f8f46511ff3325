"""The pages of the help. Whoever can't sign in, or has nowhere to sign in to yet, may need them most: anybody may read them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tidegate.web.access import chosen_membership
from tidegate.web.help.guides import BY_SLUG, GROUPS
from tidegate.web.help.rendering import TITLE_ID, page_of


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    groups = [
        {"group": group, "guides": [(guide, page_of(guide.slug).title) for guide in group.guides]}
        for group in GROUPS
    ]
    return _page(request, "web/help/help.html", {"groups": groups})


@require_GET
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in BY_SLUG:
        raise Http404
    return _page(request, "web/help/guide.html", {"guide": page_of(slug), "title_id": TITLE_ID})


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """With the rail around it for members, else as bare as the pages of signing in."""
    membership = chosen_membership(request) if request.user.is_authenticated else None
    if membership is not None:
        request.membership = membership  # type: ignore[attr-defined]  # what the shell asks for
    layout = "web/shell.html" if membership is not None else "web/bare.html"
    return render(request, template, {**context, "layout": layout})
