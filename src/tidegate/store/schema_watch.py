"""What the settings name and is no longer there: one open row under Needs attention, settled by itself when it is mended.

The pairs at fault sleep (`core.settings.active_pairs`); everything else goes on.
"""

from django.utils import timezone

from tidegate.core.automation import TRIGGER_NAMES, Trigger
from tidegate.core.problem import Problem
from tidegate.core.settings import problems
from tidegate.store.catalogues import outreach_catalogue, pipedrive_catalogue
from tidegate.store.models import Attention, Connection
from tidegate.words import say

KIND = "mapping"
VANISHED = frozenset(
    {
        "field-gone",
        "kind-differs",
        "list-gone",
        "lists-gone",
        "owner-gone",
        "owner-inactive",
        "filter-gone",
        "constant-value",
        "pipeline-gone",
        "pipeline-empty",
        "stage-gone",
        "stage-elsewhere",
    }
)
"""What happens to settings that were fine when they were saved."""
CURE = say(
    "Open the settings and choose again. Until then what is at fault sleeps, and everything else goes on."
)


def watch_settings(connection: Connection) -> None:
    """Compare the settings with what both sides offer now. Before the first launch the pages alone say what is missing."""
    if connection.launched_at is None:
        return
    found = problems(
        connection.get_settings(), outreach_catalogue(connection), pipedrive_catalogue(connection)
    )
    vanished = [problem for problem in found if problem.code in VANISHED]
    if vanished:
        _ask(connection, vanished)
    else:
        open_rows = connection.attention.filter(kind=KIND, settled_at=None)
        open_rows.update(settled_at=timezone.now(), settled_by="sync")


def _ask(connection: Connection, vanished: list[Problem]) -> None:
    Attention.objects.update_or_create(
        connection=connection,
        kind=KIND,
        prospect_id="",
        person_id="",
        settled_at=None,
        defaults={
            "record_name": say("Settings"),
            "message": " ".join(dict.fromkeys(map(_named, vanished))),
            "cure": CURE,
            "facts": {"problems": [{"place": p.place, "message": p.message} for p in vanished]},
            "tried_at": timezone.now(),
        },
    )


def _named(problem: Problem) -> str:
    """What is wrong, with the automation it is about: the message alone does not say which."""
    part, _, rest = problem.place.partition(".")
    trigger = rest.partition(".")[0]
    if part != "automations" or trigger not in set(Trigger):
        return problem.message
    return say("{what}: {reason}", what=TRIGGER_NAMES[Trigger(trigger)], reason=problem.message)
