"""What a person can do about records that a transfer leaves out, by the reason that is given for it."""

import re

from tidegate.core.settings import NO_ADDRESS, NOT_IN_LISTS
from tidegate.words import say

_ADVICE = (
    (re.escape(NO_ADDRESS), say("Add one, or switch off “Only sync prospects with an e-mail address”.")),
    (re.escape(NOT_IN_LISTS), say("Put them into one of these lists, or sync from all lists.")),
    (r"\d+ persons have the same", say("Merge them in Pipedrive, then preview again.")),
    (r"\d+ prospects have the same", say("Delete or correct all but one of them, then preview again.")),
    (r".* is linked to another", say("If the two are one, delete or merge one of them, then preview again.")),
    (
        r"The connected user can’t see",
        say("Have them made visible to the connected user, or connect as another one."),
    ),
    (r".* was deleted in", say("If that was a mistake, restore them there.")),
)
"""How a reason begins -> what to do."""


def advice(reason: str) -> str:
    """In words; empty where there is nothing to be done."""
    return next((text for beginning, text in _ADVICE if re.match(beginning, reason)), "")
