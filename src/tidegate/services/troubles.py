"""What a record that could not be written is put under, by what happens next, and what a person is to do about it."""

from collections.abc import Mapping

from tidegate.errors import RecordGone, TidegateError
from tidegate.words import say

INVALID, REFUSED, GONE, FORBIDDEN, FULL = "invalid", "refused", "gone", "forbidden", "full"
CURES: Mapping[str, str] = {
    INVALID: say("Correct the value in the app it comes from, then retry."),
    REFUSED: say(
        "Change what the reason speaks of, in the app the record comes from, then retry. Technical details hold the whole answer."
    ),
    GONE: say(
        "If it was deleted on purpose, ignore this. Else restore it or make it visible to the connected user, then retry."
    ),
    FORBIDDEN: (
        say(
            "Ask a Pipedrive administrator to let the connected user change this record, or reconnect as a user who may. Then retry."
        )
    ),
    FULL: say("Make room in Pipedrive or raise the plan, then retry."),
}
"""Kind -> what to do, in words."""
ADD_OPTION = say(
    "Add the missing option to the field it goes to, or correct the value in the app it comes from, then retry. "
    "The settings offer missing options under Data exchange."
)
"""What to do about a value that a field could take, had it the option."""


def kind_of(error: TidegateError | None) -> str:
    """Under which kind a record is listed that this kept from being written."""
    if isinstance(error, RecordGone):
        return GONE
    facts = error.facts if error is not None else {}
    if str(facts.get("code") or "").startswith("feature_capping"):
        return FULL
    if facts.get("forbidden"):
        return FORBIDDEN
    return INVALID if facts.get("field") else REFUSED
