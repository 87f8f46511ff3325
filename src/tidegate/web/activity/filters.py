"""The filters above the log: what the address asks for, what the choices are called, and what was found in words.

An unknown value in the address asks for nothing instead of failing: old links keep working.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tidegate.core.records import Side
from tidegate.store.models import Connection
from tidegate.store.queries import LogFilter, start_of_day

Choices = tuple[tuple[str, str | Promise], ...]

DIRECTIONS: Choices = (
    ("", gettext_lazy("Both directions")),
    ("to_pipedrive", gettext_lazy("To Pipedrive")),
    ("from_pipedrive", gettext_lazy("From Pipedrive")),
)
ACTS: Choices = (
    ("", gettext_lazy("All changes")),
    ("create", gettext_lazy("Created")),
    ("update", gettext_lazy("Fields updated")),
    ("conflict", gettext_lazy("Conflicts")),
    ("link", gettext_lazy("Linked")),
    ("delete", gettext_lazy("Deleted")),
    ("unlink", gettext_lazy("Links changed")),
    ("skip", gettext_lazy("Not done")),
    ("fail", gettext_lazy("Failed")),
)
CAUSES: Choices = (
    ("", gettext_lazy("Any cause")),
    ("live", gettext_lazy("Live sync")),
    ("transfer", gettext_lazy("Transfer")),
    ("automation", gettext_lazy("Automation")),
    ("history", gettext_lazy("E-mail history")),
    ("consent", gettext_lazy("Consent")),
    ("undo", gettext_lazy("Undo of a transfer")),
)
SPANS: Choices = (
    ("", gettext_lazy("Any time")),
    ("today", gettext_lazy("Today")),
    ("7", gettext_lazy("Last 7 days")),
    ("30", gettext_lazy("Last 30 days")),
)
_SIDES = {"to_pipedrive": Side.PIPEDRIVE, "from_pipedrive": Side.OUTREACH}


@dataclass(frozen=True, slots=True)
class Select:
    """One list of choices above the log."""

    name: str
    label: str | Promise
    choices: Choices
    chosen: str


@dataclass(frozen=True, slots=True)
class Filters:
    text: str
    direction: str
    act: str
    cause: str
    span: str

    @property
    def any(self) -> bool:
        return any((self.text, self.direction, self.act, self.cause, self.span))

    @property
    def selects(self) -> list[Select]:
        return [
            Select("direction", gettext_lazy("Direction"), DIRECTIONS, self.direction),
            Select("act", gettext_lazy("Kind of change"), ACTS, self.act),
            Select("cause", gettext_lazy("Cause"), CAUSES, self.cause),
            Select("since", gettext_lazy("Time"), SPANS, self.span),
        ]

    def log_filter(self, connection: Connection) -> LogFilter:
        return LogFilter(
            side=_SIDES.get(self.direction),
            act=self.act,
            cause=self.cause,
            text=self.text,
            since=self._since(connection),
        )

    def _since(self, connection: Connection) -> datetime | None:
        now = timezone.now()
        if self.span == "today":
            return start_of_day(connection, now)
        return start_of_day(connection, now - timedelta(days=int(self.span) - 1)) if self.span else None


def read_filters(asked: QueryDict) -> Filters:
    return Filters(
        text=asked.get("q", "").strip()[:200],
        direction=_known(asked.get("direction", ""), DIRECTIONS),
        act=_known(asked.get("act", ""), ACTS),
        cause=_known(asked.get("cause", ""), CAUSES),
        span=_known(asked.get("since", ""), SPANS),
    )


def _known(value: str, choices: Choices) -> str:
    return value if value in {key for key, _text in choices} else ""


def found_in_words(count: int, more: bool, filters: Filters) -> str:
    """How many changes the filters leave, for readers and for screen readers."""
    if more:
        return _("More than %(count)s changes") % {"count": number_format(count, force_grouping=True)}
    if count == 0:
        return _("No change fits") if filters.any else _("No changes yet")
    return ngettext("%(count)s change", "%(count)s changes", count) % {
        "count": number_format(count, force_grouping=True)
    }
