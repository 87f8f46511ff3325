"""The rolling check in the store: when its next page is due, and what a page leaves behind."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from tidegate.core.sameness import ROUND_EVERY, Why, next_page_at
from tidegate.ports import CheckPage, CheckState
from tidegate.ports import OutOfStep as Found
from tidegate.store.models import Connection, Link, MirrorPerson, OutOfStep, SamenessCheck


def due_check(connection: Connection) -> CheckState | None:
    """The page that is due; None where none is. The first round begins a day after the connection was launched."""
    check, _ = SamenessCheck.objects.get_or_create(
        connection=connection,
        defaults={"due_at": (connection.launched_at or timezone.now()) + ROUND_EVERY},
    )
    if check.due_at > timezone.now():
        return None
    return CheckState(str(connection.pk), check.cursor, check.round)


def ask_for_check(connection: Connection) -> None:
    """A member wants to know now: the pages of this round follow each other at once."""
    SamenessCheck.objects.update_or_create(
        connection=connection, defaults={"due_at": timezone.now(), "in_a_hurry": True}
    )


def put_off_check(connection_id: str, until: datetime) -> None:
    SamenessCheck.objects.filter(connection_id=connection_id).update(due_at=until)


def store_page(lane_id: int, state: CheckState, page: CheckPage, cursor: str | None) -> list[str]:
    """In the caller's transaction. Answers the persons that are to be looked at: they changed, or can't be seen."""
    check = (
        SamenessCheck.objects.select_for_update()
        .select_related("connection")
        .get(connection_id=state.connection_id)
    )
    now = timezone.now()
    if not state.cursor:
        check.began_at, check.in_step, check.on_their_way, check.differing = now, 0, 0, 0
    met = Link.objects.filter(connection_id=check.connection_id, person_id__in=page.seen)
    met.update(seen_round=check.round)
    settled = [*page.in_step, *page.on_their_way]
    OutOfStep.objects.filter(connection_id=check.connection_id, prospect_id__in=settled).delete()
    _keep(check, page.differing)
    check.in_step += len(page.in_step)
    check.on_their_way += len(page.on_their_way)
    check.differing += len(page.differing)
    look_at = [found.person_id for found in page.differing if found.why in (Why.CHANGED, Why.GONE)]
    began = check.began_at or now
    if cursor is None:
        look_at += _finish(check, lane_id, began, now)
    check.cursor = cursor or ""
    check.due_at = next_page_at(now, began, more=cursor is not None, in_a_hurry=check.in_a_hurry)
    check.in_a_hurry = check.in_a_hurry and cursor is not None
    check.save()
    return look_at


def _keep(check: SamenessCheck, differing: Sequence[Found]) -> None:
    OutOfStep.objects.bulk_create(
        [
            OutOfStep(
                connection_id=check.connection_id,
                prospect_id=found.prospect_id,
                person_id=found.person_id,
                name=found.name[:300],
                why=found.why.value,
                fields=[dict(field) for field in found.fields],
                round=check.round,
            )
            for found in differing
        ],
        update_conflicts=True,
        unique_fields=["connection", "prospect_id"],
        update_fields=["person_id", "name", "why", "fields", "round"],
        batch_size=1000,
    )


def _finish(check: SamenessCheck, lane_id: int, began: datetime, now: datetime) -> list[str]:
    """The round is done: whoever it did not meet can't be seen any more; what was found before it is settled."""
    linked = Link.objects.filter(connection_id=check.connection_id, state="linked", created_at__lt=began)
    unseen = list(linked.exclude(seen_round=check.round).values_list("prospect_id", "person_id"))
    names = _names(lane_id, [person_id for _, person_id in unseen])
    _keep(check, [Found(prospect, person, names.get(person, ""), Why.GONE) for prospect, person in unseen])
    OutOfStep.objects.filter(connection_id=check.connection_id, round__lt=check.round).delete()
    check.last_in_step, check.last_on_their_way = check.in_step, check.on_their_way
    check.last_differing = check.differing + len(unseen)
    check.finished_at, check.round = now, check.round + 1
    return [person_id for _, person_id in unseen]


def _names(lane_id: int, person_ids: Sequence[str]) -> dict[str, str]:
    numbers = [int(i) for i in person_ids if i.isdecimal()]
    rows = MirrorPerson.objects.filter(lane_id=lane_id, person_id__in=numbers).values_list(
        "person_id", "name"
    )
    return {str(number): name for number, name in rows}
