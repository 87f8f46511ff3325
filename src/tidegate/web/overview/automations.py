"""What automations were set off today, as bars: one for each that is on or has run."""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.core.automation import Trigger
from tidegate.core.settings import Settings
from tidegate.web.automations.words import TRIGGERS


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    count: int
    width: str
    """Of the longest bar, as SVG takes it."""


def bars(settings: Settings, ran: Mapping[str, int]) -> list[Bar]:
    """In the order of the triggers; empty where there is no automation to speak of."""
    on = {automation.trigger for automation in settings.automations if automation.enabled}
    longest = max(ran.values(), default=0)
    return [
        Bar(str(TRIGGERS[trigger].name), count, f"{count / longest:.0%}" if longest else "0%")
        for trigger in Trigger
        if (count := ran.get(trigger, 0)) or trigger in on
    ]
