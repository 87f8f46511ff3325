"""What templates need again and again: icons, the mark, statuses, times, numbers, before and after, links of the rail.

Loaded in every template (see TEMPLATES in the settings). Values are escaped; nothing here makes HTML from data by hand.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, Select, Textarea
from django.http import QueryDict
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.core.records import Side
from tidegate.core.values import Kind, describe, from_json, is_empty
from tidegate.store.models import Connection
from tidegate.web.said import said
from tidegate.web.words import look_of

register = template.Library()

MARK = mark_safe(  # a constant
    '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><rect class="post" x="1.5" y="3" width="3" height="18" rx="1.5"/>'
    '<rect class="post" x="19.5" y="3" width="3" height="18" rx="1.5"/>'
    '<path class="flow" d="M7.5 9.6h9L13 6.1M16.5 14.4h-9l3.5 3.5"/></svg>'
)


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the set in `static/web/icons.svg`: {% icon "lock" %}, {% icon "both" "i-lg" %}."""
    classes = f"i {extra}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static("web/icons.svg"), name
    )


@register.simple_tag
def mark() -> SafeString:
    return MARK


@register.simple_tag
def status(connection: Connection | None, pill: bool = False) -> SafeString:
    """The status of a connection in its own word, glyph and tone: {% status connection %}, {% status connection True %}."""
    look = look_of(connection)
    return format_html(
        '<span class="{}" data-tone="{}">{}{}</span>',
        "status status-pill" if pill else "status",
        look.tone,
        icon(look.glyph, "spin" if look.moving else ""),
        look.word,
    )


@register.filter
def number(value: object) -> str:
    """1284 becomes 1,284, as the language separates; nothing becomes nothing."""
    if value is None or value == "":
        return ""
    return number_format(value, force_grouping=True)  # type: ignore[arg-type]  # numbers and texts of numbers


@register.filter
def initials(name: object) -> str:
    """Maja Lindqvist becomes ML; an address gives its first letter."""
    words = str(name).split("@")[0].split()
    return "".join(word[0] for word in [words[0], *words[1:][-1:]]).upper() if words else ""


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time in one unit, or two where it matters: 0.4 s, 12 s, 5 min, 2 h 40 min, 3 days."""
    if seconds is None:
        return ""
    if seconds < 10:
        return _("%(count)s s") % {"count": number_format(round(seconds, 1), decimal_pos=None)}
    if seconds < 60:
        return _("%(count)d s") % {"count": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(count)d min") % {"count": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return (
            _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
            if rest
            else _("%(hours)d h") % {"hours": hours}
        )
    days = hours // 24
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """Under a day relative (12 s ago, in 5 min), else the date; the exact time always in the element."""
    if moment is None:
        return mark_safe("")
    seconds = (timezone.now() - moment).total_seconds()
    return _time(
        moment,
        _relative(seconds) if abs(seconds) < 86400 else date_format(timezone.localtime(moment), "j F Y"),
    )


def _relative(seconds: float) -> str:
    if abs(seconds) < 5:
        return _("just now")
    if seconds < 0:
        return _("in %(duration)s") % {"duration": duration(round(-seconds))}
    return _("%(duration)s ago") % {"duration": duration(round(seconds))}


@register.simple_tag
def clock(moment: datetime | None) -> SafeString:
    """The time of day of a row of the log: 11:41:08 today, with the date before today."""
    if moment is None:
        return mark_safe("")
    local = timezone.localtime(moment)
    shown = date_format(local, "H:i:s")
    if local.date() != timezone.localdate():
        shown = f"{date_format(local, 'j M')} {shown}"
    return _time(moment, shown)


@register.simple_tag
def day_clock(moment: datetime | None, seconds: bool = True) -> SafeString:
    """Day and time of what happened once: Today 11:40:52, Yesterday 16:22:10, 12 May 09:14:33, with the year before this one."""
    if moment is None:
        return mark_safe("")
    there, today = timezone.localtime(moment), timezone.localdate()
    time = date_format(there, "H:i:s" if seconds else "H:i")
    match (today - there.date()).days:
        case 0:
            return _time(moment, _("Today %(time)s") % {"time": time})
        case 1:
            return _time(moment, _("Yesterday %(time)s") % {"time": time})
    day = date_format(there, "j F" if there.year == today.year else "j F Y")
    return _time(moment, f"{day} {time}")


@register.simple_tag
def on_day(moment: datetime) -> SafeString:
    """The day of what happened, within a line: today, yesterday, 12 Nov, with the year before this one."""
    there, today = timezone.localtime(moment), timezone.localdate()
    match (today - there.date()).days:
        case 0:
            return _time(moment, _("today"))
        case 1:
            return _time(moment, _("yesterday"))
    return _time(moment, date_format(there, "j M" if there.year == today.year else "j M Y"))


def _time(moment: datetime, shown: str) -> SafeString:
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.astimezone(UTC).isoformat(timespec="seconds"),
        date_format(local, "j F Y, H:i:s"),
        shown,
    )


@register.simple_tag
def day(moment: date) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), date_format(moment, "j F Y"))


@register.filter
def day_heading(moment: datetime) -> str:
    """The day of a row as a heading, in the workspace's time zone: the nearest two by their names, too."""
    there = timezone.localtime(moment)
    match (timezone.localdate() - there.date()).days:
        case 0:
            return _("Today, %(day)s") % {"day": date_format(there, "l j F")}
        case 1:
            return _("Yesterday, %(day)s") % {"day": date_format(there, "l j F")}
    return date_format(there, "l j F Y")


@register.simple_tag
def flow(side: str) -> SafeString:
    """The arrow towards the side that was written, or `both`."""
    name, text = {
        Side.PIPEDRIVE.value: ("to", _("to Pipedrive")),
        Side.OUTREACH.value: ("from", _("from Pipedrive")),
    }.get(side, ("both", _("both ways")))
    return format_html('<span class="dir">{}<span class="vh">{}</span></span>', icon(name), text)


@register.inclusion_tag("web/parts/before_after.html")
def before_after(before: object, after: object) -> dict[str, object]:
    """One value before and after, in words. Give `change.before|value:change.kind` for values kept as JSON."""
    return {"before": before, "after": after}


@register.filter
def value(raw: Any, kind: str = Kind.TEXT.value) -> str:
    """A value as the log keeps it (JSON of `core.values`) in one line for people; empty stays empty."""
    known = from_json(Kind(kind), raw)
    return "" if is_empty(known) else describe(known)


@register.simple_tag(takes_context=True)
def rail_link(context: template.Context, name: str, *args: object) -> dict[str, Any] | None:
    """Where a line of the rail leads and whether it is this page's; None where there is no such page yet."""
    try:
        address = reverse(name, args=args)
    except NoReverseMatch:
        return None
    path = context["request"].path
    return {"href": address, "here": path == address or (name != "overview" and path.startswith(address))}


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """This page's query with some keys changed: {% query page=3 %}; an empty value drops the key."""
    asked: QueryDict = context["request"].GET.copy()
    for key, replacement in changes.items():
        asked.pop(key, None)
        if replacement not in (None, ""):
            asked[key] = str(replacement)
    return f"?{asked.urlencode()}"


@register.inclusion_tag("web/parts/field.html")
def field(bound: BoundField, size: str = "", reveal: bool = False) -> dict[str, object]:
    """A form's field with label, control, hint and errors tied together: {% field form.name %}, {% field form.name "lg" %}."""
    look = (
        "select"
        if isinstance(bound.field.widget, Select)
        else "textarea"
        if isinstance(bound.field.widget, Textarea)
        else "input"
    )
    classes = f"{look} input-lg" if size == "lg" else look
    return {"field": bound, "control": bound.as_widget(attrs={"class": classes}), "reveal": reveal}


register.filter("said", said)


@register.filter
def at(marks: Mapping[str, list[str]], place: str) -> list[str]:
    """What is wrong at this place of the settings: {% with errors=marks|at:"owner_id" %}."""
    return marks.get(place, [])
