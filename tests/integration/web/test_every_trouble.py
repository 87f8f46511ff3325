"""Every kind of trouble that can wait for a person: brought about for real, and held to what its reader needs.

A kind without a row here fails: what can go wrong is listed once, with the deed that makes it go wrong.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.integration.engine.campaign_world import CREATE, CampaignWorld, automation
from tests.integration.engine.world import PERSON_FIELDS, World, prospect
from tests.integration.web.conftest import member, signed_in
from tidegate import errors
from tidegate.core.cases import AUTOMATION, CONSENT, HISTORY, OF_CAMPAIGNS
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.quarrels import KIND as QUARREL
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.errors import InvalidForRemote, PermissionMissing, RecordGone
from tidegate.services import troubles
from tidegate.store.catalogues import catalogues_to_json
from tidegate.store.models import Attention, Change, Connection, Role
from tidegate.store.schema_watch import KIND as SETTINGS_AT_FAULT
from tidegate.store.schema_watch import watch_settings
from tidegate.web.activity.kinds import KINDS

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[3]


# --- How each comes about --------------------------------------------------------------------------------------------


def in_step(world: World) -> tuple[str, str]:
    prospect_id = world.outreach.add(prospect())
    world.drain()
    return prospect_id, world.links()[prospect_id]


def a_value_does_not_fit(world: World) -> None:
    prospect_id, _ = in_step(world)
    world.outreach.edit(prospect_id, {JOB_TITLE: "x" * 300})
    world.drain()


def pipedrive_refuses(world: World, refused: Exception) -> None:
    prospect_id, _ = in_step(world)
    world.crm.faults.fail("update_person", refused, times=9)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()


def somebody_else_may_change_it(world: World) -> None:
    text = "The connected Pipedrive user may not change or see person Signe Aaltonen: no permission."
    cure = "Ask a Pipedrive administrator for the right, then retry."
    pipedrive_refuses(world, InvalidForRemote(text, cure=cure, forbidden=True))


def the_plan_is_full(world: World) -> None:
    text = "The Pipedrive plan’s limit is reached (the number of persons): person Signe Aaltonen was not written."
    cure = "Make room in Pipedrive or raise the plan, then retry."
    pipedrive_refuses(world, InvalidForRemote(text, cure=cure, code="feature_capping_persons_limit"))


def it_names_no_field(world: World) -> None:
    text = "Pipedrive refused person Signe Aaltonen: no reason given."
    pipedrive_refuses(world, InvalidForRemote(text, cure="Correct the value and retry."))


def it_vanishes_under_our_hands(world: World) -> None:
    text = "Pipedrive does not show person Signe Aaltonen: deleted, merged away or not visible to the user."
    pipedrive_refuses(world, RecordGone(text))


def two_persons_fit(world: World) -> None:
    for name in ("Signe", "S."):
        world.crm.add_person({FIRST_NAME: name, LAST_NAME: "Aaltonen", EMAIL: ("signe@north.example",)})
    world.take_as_known()
    world.outreach.add(prospect())
    world.drain()


def two_linked_persons_are_merged(world: World) -> None:
    _, one = in_step(world)
    other_prospect = world.outreach.add(prospect("Sig Aalto"))
    world.drain()
    world.crm.merge_persons(one, world.links()[other_prospect])
    world.drain()


def the_person_is_hidden(world: World) -> None:
    prospect_id, person_id = in_step(world)
    world.crm.hide_person(person_id)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()


def two_robots_quarrel(world: World) -> None:
    prospect_id, person_id = in_step(world)
    for _ in range(14):
        world.outreach.edit(prospect_id, {JOB_TITLE: "CHAIR"})
        world.drain()
        world.crm.edit_person(person_id, {JOB_TITLE: "chair"})
        world.drain()


def a_mapped_field_is_deleted(world: World) -> None:
    in_step(world)
    left = tuple(field for field in PERSON_FIELDS if field.key != JOB_TITLE)
    Connection.objects.filter(pk=world.connection.pk).update(
        catalogue=catalogues_to_json(
            outreach=world.outreach_catalogue, pipedrive=PipedriveCatalogue(left, tuple(world.crm.users))
        )
    )
    world.connection.refresh_from_db()
    watch_settings(world.connection)


def the_plan_has_no_room_for_a_deal(world: CampaignWorld) -> None:
    world.automate(automation(CREATE))
    world.crm.deal_limit = 0
    world.outreach.happen("email_sent", email_id=world.email_to(world.synced()))
    world.drain()


def pipedrive_refuses_the_email(world: CampaignWorld) -> None:
    world.automate(history=True)
    text = "The connected Pipedrive user may not do this: the new activity “Hello from us (sent)” (no permission)."
    cure = "Ask a Pipedrive administrator for the right, or reconnect as another user."
    world.crm.faults.fail("create_activity", PermissionMissing(text, cure=cure))
    world.outreach.happen("email_sent", email_id=world.email_to(world.synced()))
    world.drain()


def pipedrive_passes_over_an_unsubscription(world: CampaignWorld) -> None:
    world.automate(unsubscribes=True)
    signe = world.synced()
    world.crm.marketing_fixed = {world.person_of(signe)}
    world.crm.marketing = dict.fromkeys(world.crm.marketing_fixed, "subscribed")
    world.outreach.happen("unsubscribed", email_id=world.email_to(signe))
    world.drain()


TROUBLES: dict[str, Callable[[Any], None]] = {
    troubles.INVALID: a_value_does_not_fit,
    troubles.REFUSED: it_names_no_field,
    troubles.FORBIDDEN: somebody_else_may_change_it,
    troubles.FULL: the_plan_is_full,
    troubles.GONE: it_vanishes_under_our_hands,
    "ambiguous": two_persons_fit,
    "merged": two_linked_persons_are_merged,
    "hidden": the_person_is_hidden,
    QUARREL: two_robots_quarrel,
    SETTINGS_AT_FAULT: a_mapped_field_is_deleted,
    AUTOMATION: the_plan_has_no_room_for_a_deal,
    HISTORY: pipedrive_refuses_the_email,
    CONSENT: pipedrive_passes_over_an_unsubscription,
}
MENDED_ELSEWHERE = {
    "hidden": "/integrations/",
    "forbidden": "/integrations/",
    "mapping": "/settings/",
    QUARREL: "/settings/",
    AUTOMATION: "/settings/",
}
CODE_WORDS = re.compile(
    r"\b[a-z]+_[a-z_]+\b|\b[0-9a-f]{40}\b|\bNone\b|\bnull\b|Error\b|Exception|Traceback|\b(?:"
    + "|".join(name for name in vars(errors) if name[0].isupper() and name[1:].lower() != name[1:])
    + r")\b|[{}<>\[\]]|\bstatus \d"
)


# --- What its reader needs -------------------------------------------------------------------------------------------


@pytest.fixture
def trouble(request: pytest.FixtureRequest) -> Iterator[Attention]:
    world = CampaignWorld() if request.param in OF_CAMPAIGNS else World()
    TROUBLES[request.param](world)
    rows = list(Attention.objects.filter(kind=request.param, settled_at=None))
    assert rows, f"Nothing of the kind: {[row.kind for row in world.questions()]}"
    yield rows[0]


def alice(trouble: Attention) -> Client:
    return signed_in(
        member(trouble.connection.workspace, "alice@north.example", "Alice Lindqvist", Role.OWNER)
    )


every_trouble = pytest.mark.parametrize("trouble", list(TROUBLES), indirect=True)


@every_trouble
def test_it_says_what_happened_to_whom_and_what_to_do_in_plain_words(trouble: Attention) -> None:
    title, what = (str(text) for text in KINDS[trouble.kind])
    for text in (trouble.record_name, trouble.message, trouble.cure, title, what):
        assert text.strip()
        assert not CODE_WORDS.search(text), text
    assert re.search(r"[A-Za-z]{3,}", trouble.record_name)
    assert not re.fullmatch(r"(person|prospect) \d+", trouble.record_name)
    assert trouble.message.endswith(".")
    assert trouble.cure.endswith(".")
    assert len(trouble.message) < 400


@every_trouble
def test_its_page_offers_a_way_out_of_one_and_of_all(trouble: Attention) -> None:
    live = trouble.connection
    text = alice(trouble).get(reverse("attention", args=[live.pk])).content.decode()
    assert trouble.record_name in text
    for address in (
        reverse("attention-retry", args=[live.pk, trouble.pk]),
        reverse("attention-settle", args=[live.pk, trouble.pk]),
        reverse("attention-retry-many", args=[live.pk]),
        reverse("attention-ignore-many", args=[live.pk]),
    ):
        assert f'action="{address}"' in text
    assert f'value="{trouble.kind}"' in text
    place = MENDED_ELSEWHERE.get(trouble.kind)
    assert place is None or re.search(rf'<p>[^<]* <a href="[^"]*{place}"', text)


ADVICE = re.compile(r"Correct the value|Make room|Ask a Pipedrive administrator|\braise the plan")


@every_trouble
def test_its_page_gives_each_advice_once(trouble: Attention) -> None:
    """The reason says what happened, the line below it what to do, and the heading what goes on meanwhile."""
    answer = alice(trouble).get(reverse("attention", args=[trouble.connection_id]))
    given = ADVICE.findall(answer.content.decode())
    assert sorted(given) == sorted(set(given))
    assert not ADVICE.search(trouble.message)


@pytest.mark.parametrize("trouble", [troubles.REFUSED], indirect=True)
def test_a_record_that_was_refused_as_a_whole_is_not_said_to_be_corrected_here(trouble: Attention) -> None:
    text = alice(trouble).get(reverse("attention", args=[trouble.connection_id])).content.decode()
    assert "The other app refused the record" in text
    assert "Change what the reason speaks of, in the app the record comes from, then retry." in text
    for absent in ("Correct it", "A value doesn’t fit", "Save and retry"):
        assert absent not in text


@every_trouble
def test_ignoring_it_writes_nothing(trouble: Attention) -> None:
    before = Change.objects.count()
    address = reverse("attention-settle", args=[trouble.connection_id, trouble.pk])
    alice(trouble).post(address)
    trouble.refresh_from_db()
    assert trouble.settled_by == "Alice Lindqvist"
    assert Change.objects.count() == before


@pytest.mark.parametrize("trouble", [kind for kind in TROUBLES if kind != SETTINGS_AT_FAULT], indirect=True)
@pytest.mark.parametrize("many", [False, True])
def test_retrying_looks_at_the_record_again(trouble: Attention, many: bool) -> None:
    """That of the settings reads both apps' fields anew: `test_a_retry_of_settings_at_fault_reads_the_fields_anew`."""
    if many:
        address = reverse("attention-retry-many", args=[trouble.connection_id])
        alice(trouble).post(address, {"kind": trouble.kind})
    else:
        alice(trouble).post(reverse("attention-retry", args=[trouble.connection_id, trouble.pk]))
    waiting = Change.objects.filter(connection=trouble.connection_id, done_at=None, source="retry")
    assert waiting.count() == 1
    assert waiting[0].record_id in (trouble.prospect_id, trouble.person_id) or trouble.kind in OF_CAMPAIGNS


# --- And that none is missing ----------------------------------------------------------------------------------------


def test_every_kind_has_its_words_and_its_row_here() -> None:
    assert set(KINDS) == set(TROUBLES)
    assert set(troubles.CURES) <= set(TROUBLES)


def test_no_question_is_asked_under_a_kind_that_is_not_listed() -> None:
    """Read off the code: every literal kind of a question, and every constant that stands for one."""
    asked = set()
    for path in (ROOT / "src/tidegate/services").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Question":
                kind = next(keyword.value for keyword in node.keywords if keyword.arg == "kind")
                asked.add(kind.value if isinstance(kind, ast.Constant) else ast.unparse(kind))
    assert {word for word in asked if word not in ("KIND", "kind")} <= set(TROUBLES)
    assert asked >= {"KIND", "kind", "invalid"}  # the quarrel's, and that of `troubles.kind_of`


def test_every_error_about_a_record_comes_under_a_listed_kind() -> None:
    rejected = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.RecordRejected)
    ]
    assert len(rejected) >= 4
    assert {troubles.kind_of(each("x")) for each in rejected} <= set(TROUBLES)


def test_a_record_without_a_name_is_called_by_what_it_has() -> None:
    world = World()
    prospect_id = world.outreach.add({EMAIL: ("info@north.example",)})
    world.drain()
    world.outreach.edit(prospect_id, {JOB_TITLE: "x" * 300})
    world.drain()
    (question,) = world.questions()
    assert question.record_name == "info@north.example"
