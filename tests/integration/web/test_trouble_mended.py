"""R7: the cause of a trouble is mended, somebody says *retry*, and it is settled: each kind, each way of saying it.

Nothing is delivered meanwhile: what brings the record in step is the retry alone.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.urls import reverse

from tests.integration.api.conftest import Caller
from tests.integration.engine.world import World
from tests.integration.web.test_every_trouble import TROUBLES, alice
from tidegate.core.cases import AUTOMATION, CONSENT, HISTORY
from tidegate.core.quarrels import KIND as QUARREL
from tidegate.core.records import JOB_TITLE, LAST_NAME
from tidegate.services import troubles
from tidegate.store.keys import make_api_key
from tidegate.store.models import Attention
from tidegate.store.schema_watch import KIND as SETTINGS_AT_FAULT

pytestmark = pytest.mark.django_db


# --- How each is mended -----------------------------------------------------------------------------------------------


def the_field_takes_longer_texts(world: World) -> None:
    longer = replace(world.crm.fields[JOB_TITLE], max_length=None)
    world.crm.fields[JOB_TITLE] = longer
    fields = tuple(world.crm.fields.values())
    world.pipedrive_catalogue = replace(world.pipedrive_catalogue, fields=fields)
    world.reread_catalogues()


def pipedrive_takes_it(world: World) -> None:
    world.crm.faults.clear()


def one_of_the_two_is_deleted(world: World) -> None:
    one, _other = world.crm.person_ids
    world.crm.delete_person(one)
    world.drain()


def the_person_is_shown_again(world: World) -> None:
    for person_id in list(world.crm._persons):
        world.crm.hide_person(person_id, hidden=False)


def the_robots_are_off(world: World) -> None:
    """They are this test's own hands."""


MENDED: dict[str, Callable[[World], None]] = {
    troubles.INVALID: the_field_takes_longer_texts,
    troubles.REFUSED: pipedrive_takes_it,
    troubles.FORBIDDEN: pipedrive_takes_it,
    troubles.FULL: pipedrive_takes_it,
    troubles.GONE: pipedrive_takes_it,
    "ambiguous": one_of_the_two_is_deleted,
    "hidden": the_person_is_shown_again,
    QUARREL: the_robots_are_off,
}
ELSEWHERE = {"merged", SETTINGS_AT_FAULT, AUTOMATION, HISTORY, CONSENT}
"""Settled by an answer (`test_identity`), by the fields that are read anew (`test_schema_watch`), or shown in `test_campaign_cases`."""


# --- How somebody says so ---------------------------------------------------------------------------------------------


def on_the_page(case: Attention) -> None:
    alice(case).post(reverse("attention-retry", args=[case.connection_id, case.pk]))


def all_of_the_kind_on_the_page(case: Attention) -> None:
    alice(case).post(reverse("attention-retry-many", args=[case.connection_id]), {"kind": case.kind})


def caller(case: Attention) -> Caller:
    _, key = make_api_key(case.connection.workspace, "test", ["admin"], actor="Alice")
    return Caller(key, alice(case))


def by_the_api(case: Attention) -> None:
    caller(case).ok("POST", f"/attention/{case.pk}/retry")


def all_of_the_kind_by_the_api(case: Attention) -> None:
    path = f"/connections/{case.connection_id}/attention/retry"
    assert caller(case).ok("POST", path, {"kind": case.kind}) == {"count": 1}


WAYS = [on_the_page, all_of_the_kind_on_the_page, by_the_api, all_of_the_kind_by_the_api]


def in_trouble(kind: str) -> tuple[World, Attention]:
    world = World()
    TROUBLES[kind](world)
    return world, Attention.objects.get(kind=kind, settled_at=None)


def assert_in_step(world: World) -> None:
    for prospect_id, person_id in world.links().items():
        prospect, person = world.outreach.record(prospect_id), world.crm.person(person_id)
        for key in (JOB_TITLE, LAST_NAME):
            assert prospect.value(key) == person.value(key)


@pytest.mark.parametrize("say", WAYS)
@pytest.mark.parametrize("kind", MENDED)
def test_mended_and_retried_it_is_settled_and_the_pair_in_step(
    kind: str, say: Callable[[Attention], None]
) -> None:
    world, case = in_trouble(kind)
    MENDED[kind](world)
    case.refresh_from_db()
    assert case.settled_at is None, "it must not be the mending that settles it"

    say(case)
    world.drain()

    settled = Attention.objects.get(pk=case.pk)
    assert settled.settled_at is not None
    assert settled.settled_by == "sync"
    assert world.questions() == []
    assert world.links()
    assert_in_step(world)


@pytest.mark.parametrize("kind", [kind for kind in MENDED if kind != QUARREL])
def test_retried_too_early_it_is_the_same_case_again(kind: str) -> None:
    world, case = in_trouble(kind)

    on_the_page(case)
    world.drain()

    (again,) = world.questions()
    assert (again.pk, again.kind, again.settled_at) == (case.pk, kind, None)
    assert again.tried_at > case.tried_at or kind == "hidden"  # of whom nothing new is known: D2


@pytest.mark.parametrize("kind", [troubles.INVALID, troubles.FORBIDDEN, troubles.FULL])
def test_ignored_it_stays_closed_until_the_record_changes_again(kind: str) -> None:
    world, case = in_trouble(kind)
    alice(case).post(reverse("attention-settle", args=[case.connection_id, case.pk]))
    written = len(world.crm.written)
    world.drain()
    assert world.questions() == []
    assert len(world.crm.written) == written

    MENDED[kind](world)
    world.outreach.edit(case.prospect_id, {JOB_TITLE: "Harbour master"})
    world.drain()

    assert world.crm.person(world.links()[case.prospect_id]).value(JOB_TITLE) == "Harbour master"
    assert world.questions() == []


def test_every_kind_of_trouble_is_mended_here_or_elsewhere() -> None:
    assert MENDED.keys() | ELSEWHERE == TROUBLES.keys()
