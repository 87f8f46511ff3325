"""What of a campaign could not be written in Pipedrive, as cases under *Needs attention*.

Retrying does what failed once more; a case is settled when all that it holds is mended, or when a person ignores it.
"""

from collections.abc import Mapping

from tidegate.core.records import Side
from tidegate.errors import PermissionMissing, TidegateError
from tidegate.ports import Question
from tidegate.services import troubles
from tidegate.services.troubles import FORBIDDEN, INVALID, REFUSED, kind_of
from tidegate.words import say

MEND_WHAT_IT_NAMES = say("Mend what Pipedrive names, in Pipedrive or in the settings, then retry.")
CURES: Mapping[str, str] = {
    **troubles.CURES,
    INVALID: MEND_WHAT_IT_NAMES,
    REFUSED: MEND_WHAT_IT_NAMES,
    FORBIDDEN: say(
        "Ask a Pipedrive administrator to give the connected user this right, or choose another owner in the settings. Then retry."
    ),
}


def question(
    kind: str,
    key: str,
    error: TidegateError,
    *,
    prospect_id: str,
    person_id: str,
    record_name: str,
    what: str,
) -> Question:
    """The case of one failure. `key`: the run, the e-mail or the prospect it is about; `what`: what was to be done, in words."""
    why = FORBIDDEN if isinstance(error, PermissionMissing) else kind_of(error)
    return Question(
        kind=kind,
        side=Side.PIPEDRIVE,
        prospect_id=prospect_id,
        person_id=person_id,
        record_name=record_name,
        message=say("{what}: {reason}", what=what, reason=error.happened),
        cure=CURES[why],
        facts={"of": [key]},
        details=dict(error.details),
    )
