"""Cases under *Needs attention*: what those of campaigns hold, and the technical details of the last refusal.

A case of a campaign is of one prospect and one kind, and holds everything of that kind that failed and is not mended: its `of`.
"""

from collections.abc import Collection, Mapping

from tidegate.core.values import Json

AUTOMATION = "automation"
"""Actions of runs were refused; what it holds are the runs."""
HISTORY = "history"
"""Activities of campaign e-mails could not be written; what it holds are the e-mails."""
CONSENT = "consent"
"""Somebody could not be unsubscribed in Pipedrive; what it holds is the prospect."""
OF_CAMPAIGNS = frozenset({AUTOMATION, HISTORY, CONSENT})
LACKS_OPTION = "lacks_option"
"""The fact of a case about a value whose field could take it, had it the option."""


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


def details_with_tries(
    details: Mapping[str, Json],
    *,
    before: Mapping[str, Json],
    tries: int,
    newest: Collection[str] = (),
    holds: Collection[str] = (),
) -> dict[str, Json]:
    """The details of a refusal as its case keeps them, with the tries that came to it; `before`: what it kept until now.

    Of several things that a case holds (`holds`), the details are of the `newest`, and how often that was tried nobody counts.
    """
    if not details:
        return {}
    kept = {**details, "of": ", ".join(newest)} if newest else dict(details)
    if len(holds) > 1 or (before and "tries" not in before):
        return kept
    so_far = before.get("tries")
    return {**kept, "tries": tries + (so_far if isinstance(so_far, int) else 0)}


def details_left(details: Mapping[str, Json], left: Collection[str]) -> dict[str, Json]:
    """The details, unless they are of something that is mended."""
    return dict(details) if details.get("of") in left else {}
