"""Cases of what of a campaign could not be written: what each holds, and what is tried again.

The rules of what a case holds are `core.cases`.
"""

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.utils import timezone

from tidegate.core.cases import (
    AUTOMATION,
    CONSENT,
    HISTORY,
    OF_CAMPAIGNS,
    details_left,
    details_with_tries,
    held,
    with_more,
    without,
)
from tidegate.core.records import Side
from tidegate.core.values import Json
from tidegate.ports import Look, Question
from tidegate.store import runs
from tidegate.store.inbox import News, add_changes, closed_consent
from tidegate.store.models import Attention, Connection
from tidegate.store.wakes import wake_lane

BY_ITSELF = "sync"


def facts_with(before: Attention | None, question: Question) -> dict[str, Json]:
    """The facts of a case that is asked; `before`: as it is open already. One of a campaign holds on to what it held."""
    if question.kind not in OF_CAMPAIGNS:
        return dict(question.facts)
    known = before.facts if before else {}
    return {**known, "of": list(with_more(known, question.facts))}


def details_with(before: Attention | None, question: Question) -> dict[str, Json]:
    """The technical details of a case that is asked."""
    of_campaigns = question.kind in OF_CAMPAIGNS
    return details_with_tries(
        question.details,
        before=before.details if before else {},
        tries=question.tries,
        newest=held(question.facts) if of_campaigns else (),
        holds=held(facts_with(before, question)) if of_campaigns else (),
    )


def mend(connection_id: str, mended: Iterable[tuple[str, str]]) -> None:
    """These (kind, what it holds) need nothing any more; a case that holds nothing else is settled."""
    by_kind: dict[str, set[str]] = {}
    for kind, key in mended:
        by_kind.setdefault(kind, set()).add(key)
    if not by_kind:
        return
    holding = Q(pk__in=())
    for kind, keys in by_kind.items():
        holding |= Q(kind=kind, facts__of__has_any_keys=sorted(keys))
    for row in Attention.objects.filter(holding, connection_id=connection_id, settled_at=None):
        left = without(row.facts, by_kind[row.kind])
        row.facts = {**row.facts, "of": left}
        row.details = details_left(row.details, left)
        if not left:
            row.settled_at, row.settled_by = timezone.now(), BY_ITSELF
        row.save(update_fields=["facts", "details", "settled_at", "settled_by"])


def try_again(connection: Connection, cases: Sequence[Attention], *, actor: str) -> None:
    """Put what these cases hold into the inbox once more. Within a transaction.

    Of a run, what failed and what came after it without being done; of an e-mail, whatever its activity lacks by then.
    """
    by_kind: dict[str, list[str]] = {}
    for case in cases:
        by_kind.setdefault(case.kind, []).extend(held(case.facts))
    run_ids = [int(key) for key in by_kind.get(AUTOMATION, ())]
    events = runs.try_again(connection, run_ids)
    news = [
        News(Side.OUTREACH, "campaign_event", i, action="check", source="retry", actor=actor)
        for i in events.values()
    ]
    news += [closed_consent(i, source="retry") for i in by_kind.get(CONSENT, ())]
    add_changes(connection, news)
    nothing_left = [(AUTOMATION, str(i)) for i in run_ids if i not in events]
    mend(str(connection.pk), nothing_left)
    emails = by_kind.get(HISTORY, ())
    runs.plan_looks(str(connection.pk), [Look(i, timezone.now()) for i in emails], source="retry")
    if emails:
        wake_lane(connection.lane_id)
