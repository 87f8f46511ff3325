"""What a simulation or a try comes to, in words: for its page, and for the set-up."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.core.automation import ActionKind
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.simulation import Simulated, Verdict, Would
from tidegate.web.automations.words import ACTIONS, TRIGGERS, Named

Look = tuple[str | Promise, str, str]
"""Word, glyph and tone."""

WOULD: dict[Would, Look] = {
    Would.PERFORMED: (_("Would be done"), "check", "good"),
    Would.NOT_PERFORMED: (_("Would not be done"), "none", "calm"),
    Would.DEPENDS: (_("Depends"), "help", "warn"),
}
VERDICTS: dict[Verdict, Look] = {
    Verdict.RUNS: (_("Would run"), "bolt", "good"),
    Verdict.DOUBLE: (_("Double"), "copy", "calm"),
    Verdict.LEFT_OUT: (_("Left out"), "none", "calm"),
}


@dataclass(frozen=True, slots=True)
class ShownWould:
    """One action; the same words as a deed of the activity pages has."""

    action: Named
    word: str | Promise
    glyph: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownOutcome:
    event: CampaignEvent
    trigger: Named
    name: str
    word: str | Promise
    glyph: str
    tone: str
    reason: str
    is_double: bool
    deeds: list[ShownWould]


def shown_outcomes(simulated: Iterable[Simulated]) -> list[ShownOutcome]:
    return [_outcome(item) for item in simulated]


def _outcome(item: Simulated) -> ShownOutcome:
    word, glyph, tone = VERDICTS[item.verdict]
    return ShownOutcome(
        item.event,
        TRIGGERS[item.trigger],
        item.prospect_name,
        word,
        glyph,
        tone,
        item.reason,
        item.verdict is Verdict.DOUBLE,
        [ShownWould(ACTIONS[ActionKind(a.kind)], *WOULD[a.would], a.text) for a in item.actions],
    )
