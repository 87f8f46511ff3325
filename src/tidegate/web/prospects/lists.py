"""Lists by hand: new, renamed, deleted."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tidegate.core.settings import Settings
from tidegate.errors import Conflict, Invalid
from tidegate.prospects import queries, services
from tidegate.web.access import MemberRequest, editor_required
from tidegate.web.prospects.frame import author_of, connections_of, missing_is_404

BATCH = 1_000


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def new_list(request: MemberRequest) -> HttpResponse:
    """An empty list, or one with the prospects that were ticked in the table."""
    name = request.POST.get("name", "")
    errors: list[str] = []
    if request.method == "POST":
        try:
            made = services.create_list(author_of(request), name)
        except (Invalid, Conflict) as error:
            errors = [str(error)]
        else:
            ids = sorted(queries.known_ids(request.workspace.pk, request.POST.getlist("ids")))
            for start in range(0, len(ids), BATCH):
                services.add_to_list(author_of(request), made.pk, ids[start : start + BATCH])
            messages.success(request, _("List %(name)s made") % {"name": made.name})
            return redirect(f"{reverse('prospects')}?list={made.pk}")
    ids = sorted(queries.known_ids(request.workspace.pk, request.POST.getlist("ids")))
    context = {"name": name, "errors": errors, "chosen": {"ids": ids}, "count": len(ids)}
    return render(request, "web/prospects/list_form.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def rename_list(request: MemberRequest, list_id: int) -> HttpResponse:
    with missing_is_404():
        found = queries.get_list(request.workspace.pk, list_id)
    name, errors = found.name, []
    if request.method == "POST":
        name = request.POST.get("name", "")
        try:
            services.rename_list(author_of(request), found.pk, name)
        except (Invalid, Conflict) as error:
            errors = [str(error)]
        else:
            messages.success(request, _("Renamed"))
            return redirect(f"{reverse('prospects')}?list={found.pk}")
    context = {"list": found, "name": name, "errors": errors}
    return render(request, "web/prospects/list_form.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def delete_list(request: MemberRequest, list_id: int) -> HttpResponse:
    """Asked first: how many are in it, and which connections sync it."""
    with missing_is_404():
        found = queries.get_list(request.workspace.pk, list_id)
        if request.method == "POST":
            services.delete_list(author_of(request), found.pk)
            messages.success(request, _("List %(name)s deleted") % {"name": found.name})
            return redirect("prospects")
    count = queries.count(queries.Filter(request.workspace.pk, list_id=found.pk))
    used_by = [c for c in connections_of(request) if _uses(c.get_settings(), str(found.pk))]
    return render(
        request, "web/prospects/list_delete.html", {"list": found, "count": count, "used_by": used_by}
    )


def _uses(settings: Settings, list_id: str) -> bool:
    return settings.sync_to_list == list_id or list_id in (settings.sync_from_lists or ())
