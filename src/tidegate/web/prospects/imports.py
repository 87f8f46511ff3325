"""The import of a CSV file in steps: the file, its columns, a check that writes nothing, and the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from tidegate.core.records import Side
from tidegate.errors import Conflict, Invalid
from tidegate.prospects import queries, services
from tidegate.prospects.importing import uploads
from tidegate.prospects.importing.columns import CUSTOM, NEW, SKIP, SYSTEM_TARGETS, Column
from tidegate.prospects.importing.files import DELIMITERS, ENCODINGS
from tidegate.prospects.importing.running import TWICE, Plan
from tidegate.prospects.models import CustomField, FieldType, Import, ImportState
from tidegate.prospects.services import Outcome, Policy
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest, editor_required, member_required
from tidegate.web.prospects.frame import author_of, connections_of, missing_is_404
from tidegate.web.said import said, said_choices
from tidegate.wiring.imports import start_import

POLICIES = (
    (Policy.FILL.value, gettext_lazy("Fill empty fields only")),
    (Policy.OVERWRITE.value, gettext_lazy("Overwrite with the file")),
    (Policy.SKIP.value, gettext_lazy("Leave them as they are")),
)
SEPARATORS = {",": gettext_lazy("comma"), ";": gettext_lazy("semicolon"), "\t": gettext_lazy("tab"), "|": "|"}
SHOWN_PROBLEMS = 50
TOKENS_EACH = 10
"""At most: a person and an organization."""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column on the page."""

    column: Column
    target: str
    type: str
    warning: str = ""
    errors: Sequence[str] = ()


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def upload(request: MemberRequest) -> HttpResponse:
    errors: list[str] = []
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            errors = [_("Choose a file first.")]
        elif file.size is not None and file.size > uploads.MAX_BYTES:
            errors = [_("The file is too big for this page. Import it by the command: tidegate import FILE")]
        else:
            try:
                made = uploads.receive(author_of(request), file.name or "prospects.csv", file.read())
                return redirect("prospect-import", made.pk)
            except Invalid as error:
                errors = texts_of(error)
    context = {"errors": errors, "recent": uploads.recent_imports(request.workspace.pk)}
    return render(request, "web/prospects/import_file.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def columns(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """What each column means, and what would become of the rows. Started: how far it is, or what became of them."""
    found = _find(request, import_id)
    if found.state != ImportState.UPLOADED:
        return _show_run(request, found)
    if request.method == "POST" and "reread" in request.POST:
        return _reread(request, found)
    read = uploads.read_columns(found)
    plan = _plan(request, found, read)
    errors: Mapping[str, Sequence[str]] = {}
    check = None
    try:
        check = uploads.try_out(found, plan)
    except Invalid as error:
        errors = error.errors
    if request.method == "POST" and "start" in request.POST and check is not None:
        return _start(request, found, plan)
    status = 422 if errors and request.method == "POST" and not request.htmx else 200
    context = _columns_context(request, found, plan, read, check, errors)
    return render(request, "web/prospects/import_columns.html", context, status=status)


def _columns_context(
    request: MemberRequest,
    found: Import,
    plan: Plan,
    read: Sequence[Column],
    check: uploads.Check | None,
    errors: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    fields = queries.read_fields(request.workspace.pk)
    types = {CUSTOM + item.key: said(FieldType(item.type).label) for item in fields}
    lines = [
        ColumnLine(
            column,
            target,
            _type_in_words(target, types),
            _left_out(check, target),
            errors.get(f"columns.{column.index}", ()),
        )
        for column, target in zip(read, plan.targets, strict=True)
    ]
    return {
        "upload": found,
        "separator": SEPARATORS.get(found.delimiter, found.delimiter),
        "encodings": ENCODINGS if found.encoding in ENCODINGS else (found.encoding, *ENCODINGS),
        "delimiters": [(sign, SEPARATORS[sign]) for sign in DELIMITERS],
        "lines": lines,
        "targets": _targets(fields),
        "types": said_choices(FieldType)(),
        "lists": queries.read_lists(request.workspace.pk),
        "list_id": plan.list_ids[0] if plan.list_ids else None,
        "new_list": request.POST.get("new_list", ""),
        "policies": POLICIES,
        "plan": plan,
        "check": check,
        "counts": tallies(check.counts) if check else [],
        "ready": _ready(found, check) if check else 0,
        "errors": [text for key, texts in errors.items() if not key.startswith("columns.") for text in texts],
        "live": _live(request, plan, check),
    }


def _targets(fields: Sequence[CustomField]) -> list[tuple[str, str]]:
    targets = ((key, said(name)) for key, name in SYSTEM_TARGETS.items())
    return [*targets, *((CUSTOM + item.key, item.name) for item in fields)]


def _type_in_words(target: str, types: Mapping[str, str]) -> str:
    if target.startswith(NEW):
        return said(FieldType(target.removeprefix(NEW)).label)
    if target in ("email", "other_emails"):
        return said(FieldType.EMAIL.label)
    if target in ("phone", "other_phones"):
        return said(FieldType.PHONE.label)
    return "" if target == SKIP else types.get(target, said(FieldType.TEXT.label))


def _left_out(check: uploads.Check | None, target: str) -> str:
    count = check.left_out[target] if check else 0
    if not count:
        return ""
    return _("1 value does not fit and stays empty") if count == 1 else _("%(count)s values do not fit and stay empty") % {"count": f"{count:,}"}  # fmt: skip


def _plan(request: MemberRequest, found: Import, read: Sequence[Column]) -> Plan:
    """What the form says; without one, where the columns would go by themselves."""
    if request.method != "POST":
        return Plan(tuple(column.target for column in read), policy=Policy.FILL)
    targets = tuple(request.POST.get(f"column-{column.index}", column.target) for column in read)
    lists = {str(item.pk): item.pk for item in queries.read_lists(request.workspace.pk)}
    chosen = lists.get(request.POST.get("list", ""))
    policy = request.POST.get("policy", "")
    known = {value for value, _text in POLICIES}
    return Plan(targets, (chosen,) if chosen else (), Policy(policy) if policy in known else Policy.FILL)


def _reread(request: MemberRequest, found: Import) -> HttpResponse:
    delimiter = request.POST.get("delimiter", "")
    encoding = request.POST.get("encoding", "")
    try:
        uploads.reread(
            found,
            encoding=encoding if encoding in (*ENCODINGS, found.encoding) else "",
            delimiter=delimiter if delimiter in DELIMITERS else "",
        )
    except Invalid as error:
        messages.error(request, " ".join(texts_of(error)))
    return redirect("prospect-import", found.pk)


def _start(request: MemberRequest, found: Import, plan: Plan) -> HttpResponse:
    name = request.POST.get("new_list", "").strip()
    try:
        if name:
            made = services.get_or_create_lists(author_of(request), [name])[name]
            plan = Plan(plan.targets, (made.pk,), plan.policy)
        start_import(found, plan)
    except (Invalid, Conflict) as error:
        messages.error(request, " ".join(texts_of(error)))
    return redirect("prospect-import", found.pk)


def _ready(found: Import, check: uploads.Check) -> int:
    """Rows that would be taken: counted, or where only the first were tried, all but those seen to be faulty."""
    return found.rows_total - check.counts[Outcome.REJECTED] - check.counts[TWICE]


def tallies(counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Glyph, words and number of each outcome there is."""
    words = (
        ("plus", _("New prospects"), Outcome.CREATED),
        ("both", _("Already here, changed"), Outcome.UPDATED),
        ("check", _("Already here, nothing to change"), Outcome.UNCHANGED),
        ("none", _("Twice in the file, first one counts"), TWICE),
        ("warn", _("Can’t be taken"), Outcome.REJECTED),
    )
    return [(glyph, text, counts.get(key, 0)) for glyph, text, key in words if counts.get(key, 0)]


def _live(request: MemberRequest, plan: Plan, check: uploads.Check | None) -> dict[str, Any] | None:
    """What reaches Pipedrive at once, where a connection is live and takes these lists."""
    created = check.counts[Outcome.CREATED] if check else 0
    takes = [c for c in connections_of(request) if c.is_live and _syncs(c, plan)]
    return {"created": created, "tokens": created * TOKENS_EACH * len(takes)} if takes and created else None


def _syncs(connection: Connection, plan: Plan) -> bool:
    settings = connection.get_settings()
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return False
    wanted = settings.sync_from_lists
    return wanted is None or bool(set(wanted) & {str(item) for item in plan.list_ids})


def _show_run(request: MemberRequest, found: Import) -> HttpResponse:
    if found.state == ImportState.RUNNING:
        return render(request, "web/prospects/import_running.html", _run_context(found))
    return render(request, "web/prospects/import_done.html", _run_context(found))


def _run_context(found: Import) -> dict[str, Any]:
    problems = found.problems.order_by("line", "pk")
    share = 100 * found.rows_done // found.rows_total if found.rows_total else 100
    return {
        "upload": found,
        "percent": share,
        "counts": tallies(found.counts),
        "problems": problems[:SHOWN_PROBLEMS],
        "problems_total": problems.count(),
        "list_ids": found.plan.get("list_ids", []),
    }


@require_GET
@member_required
def progress(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """What of a running import changes, asked for every two seconds; leads to the result when it has ended."""
    found = _find(request, import_id)
    if found.state != ImportState.RUNNING:
        return HttpResponseClientRedirect(reverse("prospect-import", args=[found.pk]))
    return render(request, "web/prospects/import_progress.html", _run_context(found))


@require_POST
@editor_required
def stop(request: MemberRequest, import_id: UUID) -> HttpResponse:
    found = _find(request, import_id)
    if uploads.stop(found):
        messages.success(request, _("Stopped. What was imported stays."))
    return redirect("prospect-import", found.pk)


@require_GET
@member_required
def problems(request: MemberRequest, import_id: UUID) -> StreamingHttpResponse:
    """The rows that were not taken, with the reasons, to be mended and imported again."""
    found = _find(request, import_id)
    answer = StreamingHttpResponse(uploads.problem_lines(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="rows-to-mend.csv"'
    return answer


def _find(request: MemberRequest, import_id: UUID) -> Import:
    with missing_is_404():
        return uploads.get_upload(request.workspace.pk, import_id)


def texts_of(error: Invalid | Conflict) -> list[str]:
    found = error.errors if isinstance(error, Invalid) else {}
    return [text for texts in found.values() for text in texts] or [str(error)]
