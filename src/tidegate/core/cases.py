"""Cases under *Needs attention* that hold what of a campaign could not be written in Pipedrive.

A case is of one prospect and one kind, and holds everything of that kind that failed and is not mended: its `of`.
"""

from collections.abc import Collection, Mapping

AUTOMATION = "automation"
"""Actions of runs were refused; what it holds are the runs."""
HISTORY = "history"
"""Activities of campaign e-mails could not be written; what it holds are the e-mails."""
CONSENT = "consent"
"""Somebody could not be unsubscribed in Pipedrive; what it holds is the prospect."""
OF_CAMPAIGNS = frozenset({AUTOMATION, HISTORY, CONSENT})


def held(facts: Mapping[str, object]) -> list[str]:
    """What a case with these facts holds."""
    found = facts.get("of")
    return [str(key) for key in found] if isinstance(found, list) else []


def with_more(facts: Mapping[str, object], more: Mapping[str, object]) -> list[str]:
    """What a case holds once it was told of more."""
    return list(dict.fromkeys([*held(facts), *held(more)]))


def without(facts: Mapping[str, object], mended: Collection[str]) -> list[str]:
    """What is left of it."""
    return [key for key in held(facts) if key not in mended]
