"""Custom fields by hand: what there is, new ones, other names and options, deleted."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tidegate.errors import Conflict, Invalid
from tidegate.prospects import queries, services
from tidegate.prospects.models import CustomField, FieldType
from tidegate.prospects.services.fields import WITH_OPTIONS, uses_of_field
from tidegate.web.access import MemberRequest, editor_required, member_required
from tidegate.web.prospects.frame import author_of, connections_of, missing_is_404
from tidegate.web.said import said, said_choices


class FieldForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=said_choices(FieldType))
    options = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line, for single and multiple options"),
    )

    def labels(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["options"].splitlines() if line.strip()]

    def refuse(self, error: Invalid | Conflict) -> None:
        if isinstance(error, Invalid) and error.errors:
            for key, texts in error.errors.items():
                for text in texts:
                    self.add_error(key if key in self.fields else None, text)
        else:
            self.add_error("name", str(error))


class FieldChangeForm(FieldForm):
    """The type stays for life. Each option has a box of its own, so that a new name is known from a new option."""

    def __init__(self, data: object = None, *, field: CustomField) -> None:
        super().__init__(data, initial={"name": field.name})  # type: ignore[arg-type]
        del self.fields["type"]
        self.known = list(field.options)
        if field.type not in WITH_OPTIONS:
            del self.fields["options"]
            return
        self.fields["options"].label = _("More options")
        for index, label in enumerate(self.known):
            self.fields[f"option_{index}"] = forms.CharField(
                label=_("Option %(number)d") % {"number": index + 1},
                required=False,
                initial=label,
                max_length=200,
            )
        self.order_fields(["name", *(f"option_{index}" for index in range(len(self.known))), "options"])

    def renames(self) -> dict[str, str]:
        given = {label: self.cleaned_data[f"option_{i}"].strip() for i, label in enumerate(self.known)}
        return {label: now for label, now in given.items() if now and now != label}

    def all_labels(self) -> list[str]:
        kept = [self.cleaned_data[f"option_{index}"].strip() for index in range(len(self.known))]
        return [label for label in [*kept, *self.labels()] if label]


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def fields(request: MemberRequest) -> HttpResponseBase:
    if request.method == "POST":
        return add_field(request)
    return _show(request, FieldForm())


@editor_required
def add_field(request: MemberRequest) -> HttpResponse:
    form = FieldForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        labels = form.labels() if data["type"] in WITH_OPTIONS else []
        try:
            made = services.create_field(author_of(request), data["name"], data["type"], labels)
        except (Invalid, Conflict) as error:
            form.refuse(error)
        else:
            messages.success(request, _("Field %(name)s made") % {"name": made.name})
            return redirect("prospect-fields")
    return _show(request, form)


def _show(request: MemberRequest, form: FieldForm) -> HttpResponse:
    shown = [(item, said(FieldType(item.type).label)) for item in queries.read_fields(request.workspace.pk)]
    return render(
        request,
        "web/prospects/fields.html",
        {"fields": shown, "form": form},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def change_field(request: MemberRequest, key: str) -> HttpResponse:
    with missing_is_404():
        found = services.get_field(request.workspace.pk, key)
    form = FieldChangeForm(request.POST or None, field=found)
    if request.method == "POST" and form.is_valid():
        has_options = found.type in WITH_OPTIONS
        try:
            with missing_is_404():
                services.change_field(
                    author_of(request),
                    key,
                    name=form.cleaned_data["name"],
                    options=form.all_labels() if has_options else None,
                    renames=form.renames() if has_options else None,
                )
        except (Invalid, Conflict) as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved"))
            return redirect("prospect-fields")
    context = {"form": form, "field": found, "type": said(FieldType(found.type).label)}
    return render(request, "web/prospects/field_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def delete_field(request: MemberRequest, key: str) -> HttpResponse:
    """Asked first: how many prospects have a value in it, and which connections map it."""
    with missing_is_404():
        found = services.get_field(request.workspace.pk, key)
        if request.method == "POST":
            services.delete_field(author_of(request), key)
            messages.success(request, _("Field %(name)s deleted") % {"name": found.name})
            return redirect("prospect-fields")
    name = f"custom.{found.key}"
    mapped = [c for c in connections_of(request) if name in {m.outreach for m in c.get_settings().mappings}]
    context = {"field": found, "count": uses_of_field(found), "used_by": mapped}
    return render(request, "web/prospects/field_delete.html", context)
