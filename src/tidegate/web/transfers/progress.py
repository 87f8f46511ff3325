"""How far a transfer is, and what became of it, in figures and words for its pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.core.transfer import DELETE_TOKENS, EXPECTED, WRITE_TOKENS, Pace, paces
from tidegate.store import queries
from tidegate.store.models import Transfer
from tidegate.web.activity.lines import side_name
from tidegate.web.overview.gate import BOTTOM, HEIGHT, TOP, WIDTH
from tidegate.wiring import actions

OUTCOMES: dict[str, tuple[str | Promise, str]] = {
    "created": (gettext_lazy("Created"), "good"),
    "updated": (gettext_lazy("Updated"), "flow"),
    "unchanged": (gettext_lazy("Already the same"), "calm"),
    "skipped": (gettext_lazy("Skipped"), "calm"),
    "attention": (gettext_lazy("Needs attention"), "warn"),
    "failed": (gettext_lazy("Failed"), "bad"),
    "conflict": (gettext_lazy("Conflict"), "warn"),
    "restored": (gettext_lazy("Restored"), "flow"),
    "deleted": (gettext_lazy("Deleted"), "warn"),
    "unlinked": (gettext_lazy("Link taken back"), "flow"),
    "kept": (gettext_lazy("Left alone"), "calm"),
    "waiting": (gettext_lazy("Waiting"), "calm"),
}
"""An outcome's word and tone."""

WOULD: dict[str, tuple[str | Promise, str]] = OUTCOMES | {
    "created": (gettext_lazy("Create"), "good"),
    "updated": (gettext_lazy("Update"), "flow"),
    "skipped": (gettext_lazy("Skip"), "calm"),
    "restored": (gettext_lazy("Restore"), "flow"),
    "deleted": (gettext_lazy("Delete"), "warn"),
    "unlinked": (gettext_lazy("Take the link back"), "flow"),
    "kept": (gettext_lazy("Leave alone"), "calm"),
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


@dataclass(frozen=True, slots=True)
class PaceLine:
    """How fast a run was since its start, as the paths of a sparkline."""

    edge: str
    lowest: float
    highest: float

    @property
    def water(self) -> str:
        """The same line closed to the ground."""
        return f"{self.edge}L{WIDTH} {HEIGHT}H0Z"


def pace_line(pace: Pace) -> PaceLine | None:
    """None while there is no line to be drawn."""
    found = paces(pace)
    highest = max((rate for _second, rate in found), default=0.0)
    if len(found) < 3 or not highest:
        return None
    first, last = found[0][0], found[-1][0]
    points = [
        f"{round((second - first) / (last - first) * WIDTH, 1):g} {round(BOTTOM - rate / highest * (BOTTOM - TOP), 1):g}"
        for second, rate in found
    ]
    return PaceLine("M" + " ".join(points), min(rate for _second, rate in found), highest)


@dataclass(frozen=True, slots=True)
class Dip:
    """When a run stood still last, and why."""

    at: datetime
    why: str


def last_dip(transfer: Transfer) -> Dip | None:
    if not transfer.waits:
        return None
    seconds, why = transfer.waits[-1]
    return Dip(transfer.began_at + timedelta(seconds=seconds), str(why))


def progress_of(transfer: Transfer) -> Progress:
    ended: datetime = transfer.finished_at or timezone.now()
    return Progress(
        done=transfer.done,
        total=transfer.total,
        rate=queries.records_a_second(transfer),
        left=queries.seconds_left(transfer),
        so_far=max((ended - transfer.began_at).total_seconds(), 0.0),
    )


def tokens_left(run: Transfer) -> int:
    """What is left of what its preview said it would cost; 0 where it was not previewed."""
    return max(actions.estimate(run).cost.tokens - run.tokens, 0) if run.planned else 0


def title_of(transfer: Transfer) -> str:
    """The heading of a transfer's page."""
    to_pipedrive = transfer.direction == Direction.TO_PIPEDRIVE
    words = _UNDO_TITLES if transfer.undoes_id else _TITLES[to_pipedrive]
    return str(words.get(transfer.state, words["done"]))


_TITLES: dict[bool, dict[str, str | Promise]] = {
    True: {
        "preview": gettext_lazy("Preview: to Pipedrive"),
        "ready": gettext_lazy("Preview: to Pipedrive"),
        "running": gettext_lazy("Transferring to Pipedrive"),
        "paused": gettext_lazy("Transfer paused"),
        "cancelled": gettext_lazy("Transfer to Pipedrive cancelled"),
        "failed": gettext_lazy("Transfer to Pipedrive stopped"),
        "done": gettext_lazy("Transferred to Pipedrive"),
        "undone": gettext_lazy("Transfer to Pipedrive, undone"),
    },
    False: {
        "preview": gettext_lazy("Preview: from Pipedrive"),
        "ready": gettext_lazy("Preview: from Pipedrive"),
        "running": gettext_lazy("Transferring from Pipedrive"),
        "paused": gettext_lazy("Transfer paused"),
        "cancelled": gettext_lazy("Transfer from Pipedrive cancelled"),
        "failed": gettext_lazy("Transfer from Pipedrive stopped"),
        "done": gettext_lazy("Transferred from Pipedrive"),
        "undone": gettext_lazy("Transfer from Pipedrive, undone"),
    },
}
_UNDO_TITLES: dict[str, str | Promise] = {
    "preview": gettext_lazy("Preview of the undo"),
    "ready": gettext_lazy("Preview of the undo"),
    "running": gettext_lazy("Undoing the transfer"),
    "paused": gettext_lazy("Undo paused"),
    "cancelled": gettext_lazy("Undo cancelled"),
    "failed": gettext_lazy("Undo stopped"),
    "done": gettext_lazy("The transfer was undone"),
}


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
    "restored": ("restored",),
    "deleted": ("deleted",),
    "unlinked": ("unlinked",),
    "kept": ("kept",),
}
"""A figure of the report -> the outcomes it counts: what waits for a choice was not written either."""


def groups_of(transfer: Transfer) -> dict[str, tuple[str, ...]]:
    """What each figure counts. A preview has not failed yet: whatever would not be written is left out, with its reason."""
    if transfer.state in ("preview", "ready"):
        return GROUPS | {"skipped": ("skipped", "failed", "attention")}
    return GROUPS


def tallies(transfer: Transfer) -> list[Tally]:
    counts = queries.outcome_counts(transfer)
    planned = transfer.state in ("preview", "ready")
    looks = _undo_looks() if transfer.undoes_id else _looks(transfer, counts, planned=planned)
    words, groups = WOULD if planned else OUTCOMES, groups_of(transfer)
    found = [
        Tally(group, words[group][0], glyph, sum(counts.get(each, 0) for each in groups[group]), hint)
        for group, (glyph, hint) in looks.items()
        if not (planned and group == "failed" and not transfer.undoes_id)
    ]
    if planned and not transfer.undoes_id:
        conflicts = int(transfer.planned.get("conflicts", 0))
        winner = _("values differ, %(app)s wins") % {"app": side_name(Side(transfer.source_app))}
        updated = next(place for place, tally in enumerate(found) if tally.outcome == "updated")
        found[updated] = replace(found[updated], count=found[updated].count - conflicts)
        found.insert(updated + 1, Tally("conflict", OUTCOMES["conflict"][0], "warn", conflicts, winner))
    return found


def _looks(transfer: Transfer, counts: dict[str, int], *, planned: bool) -> dict[str, tuple[str, str]]:
    """Glyph and hint of each figure of a transfer."""
    ask = counts.get("attention", 0)
    asks = ngettext("%(count)d waits for a choice", "%(count)d wait for a choice", ask) % {"count": ask}
    made = (
        int(transfer.planned.get("organizations_created", 0)) if planned else transfer.organizations.count()
    )
    new = ngettext("and %(count)s organization", "and %(count)s organizations", made)
    return {
        "created": ("plus", new % {"count": number_format(made, force_grouping=True)} if made else ""),
        "updated": ("both", _("only empty and outdated values") if planned else _conflicts_decided(transfer)),
        "unchanged": ("check", _("nothing to do") if planned else _("nothing written")),
        "skipped": ("none", _("see why below") if planned else _skipped_as_said(transfer, counts)),
        "failed": ("warn", asks if ask else _failed_as_said(transfer)),
    }


def _failed_as_said(transfer: Transfer) -> str:
    return _("can be retried below") if transfer.state in ("done", "failed") else _("the rest went on")


def _conflicts_decided(transfer: Transfer) -> str:
    decided = queries.count_conflicts(transfer)
    text = ngettext("%(count)s conflict decided", "%(count)s conflicts decided", decided)
    return text % {"count": number_format(decided, force_grouping=True)} if decided else ""


def _skipped_as_said(transfer: Transfer, counts: dict[str, int]) -> str:
    expected = transfer.planned.get(EXPECTED, {}).get("skipped")
    same = expected is not None and expected == counts.get("skipped", 0)
    return _("as in the preview") if same else _("with the reason below")


def _undo_looks() -> dict[str, tuple[str, str]]:
    return {
        "restored": ("undo", _("to their earlier values")),
        "deleted": ("x", _("created by the transfer")),
        "unlinked": ("unlink", _("were only linked")),
        "kept": ("none", _("with the reason below")),
        "failed": ("warn", _("the rest went on")),
    }


def cost_lines(estimate: actions.Estimate) -> list[tuple[str, int]]:
    """On what a run's tokens go, in words: only what costs any."""
    work = estimate.work
    lines = [
        (ngettext("%(count)s person created", "%(count)s people created", work.persons_created),
         work.persons_created, WRITE_TOKENS),
        (ngettext("%(count)s organization created", "%(count)s organizations created", work.organizations_created),
         work.organizations_created, WRITE_TOKENS),
        (ngettext("%(count)s person updated", "%(count)s people updated", work.persons_updated),
         work.persons_updated, WRITE_TOKENS),
        (ngettext("%(count)s e-mail logged", "%(count)s e-mails logged", work.emails_logged),
         work.emails_logged, WRITE_TOKENS),
        (ngettext("%(count)s person deleted", "%(count)s people deleted", work.persons_deleted),
         work.persons_deleted, DELETE_TOKENS),
        (ngettext("%(count)s organization deleted", "%(count)s organizations deleted", work.organizations_deleted),
         work.organizations_deleted, DELETE_TOKENS),
    ]  # fmt: skip
    told = [
        (text % {"count": number_format(count, force_grouping=True)}, count * price)
        for text, count, price in lines
        if count
    ]
    return [*told, (_("Looking who is there"), estimate.cost.walk + estimate.cost.look)]


def touched_lines(transfer: Transfer, tallied: Sequence[Tally]) -> list[tuple[str, str]]:
    """What an undo has before it: how many the transfer made and changed, each with what it did to them."""
    counts = {tally.outcome: tally.count for tally in tallied}
    made, changed = counts.get("created", 0), counts.get("updated", 0)
    organizations = transfer.organizations.count()
    named = ngettext("%(count)s organization", "%(count)s organizations", organizations)
    lines = [
        (_records_in_words(transfer, made), made, ngettext("was created by it", "were created by it", made)),
        (_counted(named, organizations), organizations,
         ngettext("was created by it", "were created by it", organizations)),
        (_records_in_words(transfer, changed), changed, _("got other values")),
    ]  # fmt: skip
    return [(who, what) for who, count, what in lines if count]


def _records_in_words(transfer: Transfer, count: int) -> str:
    if transfer.direction == Direction.TO_PIPEDRIVE:
        return _counted(ngettext("%(count)s person", "%(count)s people", count), count)
    return _counted(ngettext("%(count)s prospect", "%(count)s prospects", count), count)


def _counted(text: str, count: int) -> str:
    return text % {"count": number_format(count, force_grouping=True)}
