"""Pages of accounts with hundreds of fields and lists: the number of queries doesn't grow with them. Times are for `make bench`."""

from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.integration.web.fake_pipedrive import FakePipedrive
from tests.integration.web.test_setup import HTMX, Setup, data_form
from tidegate.core.catalogue import Field, NamedList, Option
from tidegate.core.settings import SYSTEM_MAPPINGS, FieldMapping, settings_to_json
from tidegate.core.values import Kind
from tidegate.prospects.models import ProspectList
from tidegate.store import catalogues
from tidegate.store.models import Connection

pytestmark = pytest.mark.django_db

FIELDS, LISTS, MAPPED = 200, 1_000, 60
MOST_QUERIES = 25
OPTIONS = tuple(Option(str(number), f"Option {number}") for number in range(30))


@pytest.fixture
def alices(owner: Client, connection: Connection) -> Setup:
    ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    pipedrive = FakePipedrive()
    pipedrive.show(connection)
    ours, theirs = catalogues.outreach_catalogue(connection), pipedrive.catalogue
    kinds = [kind for kind in (Kind.TEXT, Kind.NUMBER, Kind.DATE, Kind.OPTION) for _ in range(FIELDS // 4)]

    def fields(prefix: str, name: str) -> tuple[Field, ...]:
        return tuple(
            Field(
                f"{prefix}{number}",
                f"{name} {number}",
                kind,
                custom=True,
                options=OPTIONS if kind is Kind.OPTION else (),
            )
            for number, kind in enumerate(kinds)
        )

    catalogues.store_catalogues(
        connection,
        outreach=replace(
            ours,
            fields=ours.fields + fields("custom.f", "Own"),
            lists=tuple(NamedList(str(10_000 + number), f"List {number}", number) for number in range(LISTS)),
        ),
        pipedrive=replace(theirs, fields=theirs.fields + fields("theirs", "Theirs")),
    )
    mappings = SYSTEM_MAPPINGS + tuple(FieldMapping(f"custom.f{n}", f"theirs{n}") for n in range(MAPPED))
    settings = replace(connection.get_settings(), mappings=mappings, sync_to_list="10001")
    Connection.objects.filter(pk=connection.pk).update(settings=settings_to_json(settings))
    return Setup(owner, connection)


@pytest.mark.parametrize("page", ["settings", "setup/data", "setup/review", "setup/constants"])
def test_a_page_asks_the_database_few_times_however_much_there_is_to_choose_from(
    alices: Setup, page: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):
        text = alices.get(page)
    if page in ("settings", "setup/data"):
        assert "List 999" in text
        assert f'id="left-{MAPPED - 1}"' in text


def test_another_row_of_a_long_mapping_asks_the_database_few_times(
    alices: Setup, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [(f"custom.f{number}", f"theirs{number}") for number in range(MAPPED)]
    form = data_form(*rows, act="add") | {"sync_to_list": "10001", "version": 1}
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = alices.client.post(alices.path("setup/data"), form, headers=HTMX)
    assert f'id="left-{MAPPED}"' in answer.content.decode()
