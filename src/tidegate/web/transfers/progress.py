"""How far a transfer is, and what became of it, in figures and words for its pages."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tidegate.core.settings import Direction
from tidegate.store import queries
from tidegate.store.models import Transfer

OUTCOMES: dict[str, tuple[str | Promise, str]] = {
    "created": (gettext_lazy("Created"), "good"),
    "updated": (gettext_lazy("Updated"), "flow"),
    "unchanged": (gettext_lazy("Already the same"), "calm"),
    "skipped": (gettext_lazy("Skipped"), "calm"),
    "attention": (gettext_lazy("Needs attention"), "warn"),
    "failed": (gettext_lazy("Failed"), "bad"),
}
"""An outcome's word and tone."""

WOULD: dict[str, tuple[str | Promise, str]] = OUTCOMES | {
    "created": (gettext_lazy("Create"), "good"),
    "updated": (gettext_lazy("Update"), "flow"),
    "skipped": (gettext_lazy("Skip"), "calm"),
}
"""The same for what has not happened yet."""


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    total: int | None
    rate: float | None
    left: float | None
    so_far: float

    @property
    def percent(self) -> int | None:
        """Whole percents; a hundred only when nothing is left."""
        if not self.total:
            return None
        return min(self.done * 100 // self.total, 100)

    @property
    def spoken(self) -> str:
        """What a screen reader is told: changes every ten percent, so it speaks ten times."""
        if self.percent is None:
            return _("The transfer is running")
        return _("%(percent)d %% done") % {"percent": self.percent // 10 * 10}


def progress_of(transfer: Transfer) -> Progress:
    ended: datetime = transfer.finished_at or timezone.now()
    began = transfer.started_at or transfer.created_at
    return Progress(
        done=transfer.done,
        total=transfer.total,
        rate=queries.records_a_second(transfer),
        left=queries.seconds_left(transfer),
        so_far=max((ended - began).total_seconds(), 0.0),
    )


def title_of(transfer: Transfer) -> str:
    """The heading of a transfer's page."""
    to_pipedrive = transfer.direction == Direction.TO_PIPEDRIVE
    match transfer.state:
        case "running":
            return _("Transferring to Pipedrive") if to_pipedrive else _("Transferring from Pipedrive")
        case "paused":
            return _("Transfer paused")
        case "cancelled":
            return (
                _("Transfer to Pipedrive cancelled")
                if to_pipedrive
                else _("Transfer from Pipedrive cancelled")
            )
        case "failed":
            return (
                _("Transfer to Pipedrive stopped") if to_pipedrive else _("Transfer from Pipedrive stopped")
            )
    return _("Transferred to Pipedrive") if to_pipedrive else _("Transferred from Pipedrive")


@dataclass(frozen=True, slots=True)
class Tally:
    """One figure of the report, which is also the filter of the list below it."""

    outcome: str
    word: str | Promise
    icon: str
    count: int
    hint: str


GROUPS: dict[str, tuple[str, ...]] = {
    "created": ("created",),
    "updated": ("updated",),
    "unchanged": ("unchanged",),
    "skipped": ("skipped",),
    "failed": ("failed", "attention"),
}
"""A figure of the report -> the outcomes it counts: what waits for a choice was not written either."""


def tallies(transfer: Transfer) -> list[Tally]:
    counts = queries.outcome_counts(transfer)
    ask = counts.get("attention", 0)
    asks = ngettext("%(count)d waits for a choice", "%(count)d wait for a choice", ask) % {"count": ask}
    planned = transfer.state in ("preview", "ready")
    words = WOULD if planned else OUTCOMES
    failed = WOULD["attention"][0] if planned else OUTCOMES["failed"][0]
    looks = {
        "created": ("plus", ""),
        "updated": ("both", ""),
        "unchanged": ("check", _("nothing written")),
        "skipped": ("none", _("with the reason below")),
        "failed": ("warn", asks if ask else _("the rest went on")),
    }
    return [
        Tally(
            group,
            words[group][0] if group != "failed" else failed,
            glyph,
            sum(counts.get(each, 0) for each in GROUPS[group]),
            hint,
        )
        for group, (glyph, hint) in looks.items()
    ]
