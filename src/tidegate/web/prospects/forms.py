"""The form of one prospect, made from the workspace's fields: each type has its own control.

The form carries texts to the services and their refusals back to the controls; what fits is decided there alone. Only
what the member changed is sent, so two people who edit different fields at once don't undo each other.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from tidegate.errors import Conflict, Invalid
from tidegate.prospects.content import MAX_TEXT, TEXT_KEYS
from tidegate.prospects.models import CustomField, EmailStatus, FieldType, Prospect
from tidegate.prospects.values import to_text
from tidegate.web.said import said_choices

CUSTOM = "custom."
LABELS = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "company": _("Company name"),
    "job_title": _("Position"),
}
PLACES = {"email": "emails", "phone": "phones"}
"""Keys of the services whose controls go by another name."""
HINTS = {
    FieldType.MONEY: _("An amount and a currency, like 120.50 EUR"),
    FieldType.TIME: _("Like 09:30"),
    FieldType.DATE_RANGE: _("Two dates, like 2026-03-01/2026-03-31"),
    FieldType.PHONE: _("Several numbers are separated by semicolons"),
    FieldType.EMAIL: _("Several addresses are separated by commas"),
    FieldType.DATETIME: _("In the workspace’s time zone"),
}


class ProspectForm(forms.Form):
    emails = forms.CharField(
        label=_("E-mail"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("One address a line, the primary one first"),
    )
    email_status = forms.ChoiceField(label=_("E-mail status"), choices=said_choices(EmailStatus))
    first_name = forms.CharField(label=LABELS["first_name"], required=False)
    last_name = forms.CharField(label=LABELS["last_name"], required=False)
    company = forms.CharField(label=LABELS["company"], required=False)
    job_title = forms.CharField(label=LABELS["job_title"], required=False)
    phones = forms.CharField(
        label=_("Phone"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One number a line, the primary one first"),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        prospect: Prospect,
        custom: Sequence[CustomField],
        only: Collection[str] | None = None,
        auto_id: str = "id_%s",
    ) -> None:
        """`only`: the keys of the fields that are asked for, as the services know them; all of them where it is None."""
        super().__init__(data, initial=initial_of(prospect, custom), auto_id=auto_id)
        self.other_id: int | None = None
        """The prospect that has an address of this one already."""
        for key in TEXT_KEYS:
            self.fields[key].widget.attrs["maxlength"] = MAX_TEXT
        for item in custom:
            self.fields[CUSTOM + item.key] = control_for(item)
        if only is not None:
            names = {PLACES.get(key, key) for key in only}
            self.fields = {name: field for name, field in self.fields.items() if name in names}
        for field in self.fields.values():
            field.widget.attrs["class"] = _look(field.widget)

    @property
    def system_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if not name.startswith(CUSTOM)]

    @property
    def custom_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(CUSTOM)]

    def content(self) -> dict[str, object]:
        """What the member changed, in the services' words. Call it on a valid form."""
        raw: dict[str, object] = {}
        custom: dict[str, object] = {}
        for name in self.changed_data:
            value = self.cleaned_data[name]
            if name.startswith(CUSTOM):
                custom[name.removeprefix(CUSTOM)] = as_raw(value)
            elif name in ("emails", "phones"):
                raw[name] = [line.strip() for line in str(value).splitlines() if line.strip()]
            else:
                raw[name] = value
        return {**raw, "custom": custom} if custom else raw

    def refuse(self, error: Invalid | Conflict) -> None:
        """Put the services' refusals where their fields are."""
        if isinstance(error, Conflict):
            other = error.facts.get("prospect_id")
            self.other_id = other if isinstance(other, int) else None
            errors: Mapping[str, Sequence[str]] = {"email": [str(error)]}
        else:
            errors = error.errors or {"": [str(error)]}
        for key, texts in errors.items():
            place = PLACES.get(key, key)
            for text in texts:
                self.add_error(place if place in self.fields else None, text)

    def focus_on_fault(self) -> None:
        """Where no summary above the form says what is wrong, the first control at fault takes the focus."""
        for name in self.fields:
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                return


def initial_of(prospect: Prospect, custom: Sequence[CustomField]) -> dict[str, object]:
    shown: dict[str, object] = {key: getattr(prospect, key) for key in TEXT_KEYS}
    shown["emails"] = "\n".join(entry["value"] for entry in prospect.emails)
    shown["phones"] = "\n".join(entry["value"] for entry in prospect.phones)
    shown["email_status"] = prospect.email_status
    for item in custom:
        shown[CUSTOM + item.key] = shown_value(item, prospect.custom.get(item.key))
    return shown


def shown_value(item: CustomField, value: Any) -> object:
    match FieldType(item.type):
        case FieldType.OPTIONS:
            return list(value or [])
        case FieldType.DATETIME if value:
            return localtime(forms.DateTimeField().to_python(value)).replace(microsecond=0)
        case FieldType.BOOLEAN:
            return {True: "yes", False: "no"}.get(value, "")
        case kind:
            return to_text(kind, value)


def as_raw(value: Any) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def control_for(item: CustomField) -> forms.Field:
    kind = FieldType(item.type)
    shared: dict[str, Any] = {"label": item.name, "required": False, "help_text": HINTS.get(kind, "")}
    match kind:
        case FieldType.LONG_TEXT | FieldType.ADDRESS:
            return forms.CharField(**shared, widget=forms.Textarea(attrs={"rows": 3}))
        case FieldType.BOOLEAN:
            return forms.ChoiceField(**shared, choices=[("", ""), ("yes", _("Yes")), ("no", _("No"))])
        case FieldType.OPTION:
            return forms.ChoiceField(
                **shared, choices=[("", ""), *((label, label) for label in item.options)]
            )
        case FieldType.OPTIONS:
            choices = [(label, label) for label in item.options]
            return forms.MultipleChoiceField(**shared, choices=choices, widget=forms.CheckboxSelectMultiple)
        case FieldType.DATETIME:
            widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M:%S")
            return forms.DateTimeField(**shared, widget=widget)
        case _:
            return forms.CharField(**shared, widget=forms.TextInput(attrs=_attributes(kind)))


def _attributes(kind: FieldType) -> dict[str, str]:
    known = {
        FieldType.DATE: {"type": "date"},
        FieldType.NUMBER: {"inputmode": "decimal"},
        FieldType.LINK: {"inputmode": "url"},
        FieldType.PHONE: {"inputmode": "tel"},
        FieldType.EMAIL: {"inputmode": "email"},
    }
    return known.get(kind, {})


def _look(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxSelectMultiple):
        return "box"
    return (
        "textarea"
        if isinstance(widget, forms.Textarea)
        else "select"
        if isinstance(widget, forms.Select)
        else "input"
    )
