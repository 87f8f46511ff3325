"""Both implementations of the outreach port, held to the same behaviours."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_workspace
from tests.contract.campaign_contract import CampaignContract
from tests.contract.outreach_contract import Bench, OutreachContract, finish
from tidegate.adapters.outreach.prospects import SYSTEM_FIELDS, ProspectStore
from tidegate.core.catalogue import Field, NamedList, Option
from tidegate.core.history import READ_CHARACTERS
from tidegate.core.values import Kind, Value
from tidegate.errors import InvalidForRemote
from tidegate.prospects.events.recording import EventOutcome, Telling, record_events
from tidegate.prospects.models import CampaignEmail, CampaignEvent, Prospect
from tidegate.prospects.services import Author, create_field, create_list, delete_prospects, update_prospect
from tidegate.testing.outreach import MemoryOutreach
from tidegate.wiring.steps import request_step


class MemoryBench:
    def __init__(self) -> None:
        self.app = MemoryOutreach(SYSTEM_FIELDS, lists=())

    def make_list(self, name: str) -> str:
        self.app.lists.append(NamedList(str(len(self.app.lists) + 1), name))
        return self.app.lists[-1].id

    def make_field(self, name: str, kind: Kind) -> str:
        key = f"custom.{name.lower()}"
        labels = ("Blue", "Red") if kind in (Kind.OPTION, Kind.OPTIONS) else ()
        options = tuple(Option(label, label) for label in labels)
        self.app.fields[key] = Field(key, name, kind, custom=True, options=options)
        return key

    def make_prospect(self, values: Mapping[str, Value], list_ids: Sequence[str] = ()) -> str:
        return self.app.add(values, list_ids=list_ids)

    def delete_prospect(self, prospect_id: str) -> None:
        self.app.delete(prospect_id)

    def email_status(self, prospect_id: str) -> str:
        return self.app.status[prospect_id]

    def send(self, prospect_id: str, *, html: str, at: datetime) -> str:
        facts = {"campaign_id": "1", "campaign_name": "Q2", "subject": "Hello", "html": html, "sent_at": at}
        email_id = self.app.send(prospect_id, **facts)
        self.app.happen("email_sent", email_id=email_id, at=at)
        return email_id

    def happen(self, type: str, email_id: str, *, at: datetime, **facts: object) -> str:
        return self.app.happen(type, email_id=email_id, at=at, **facts)


class StoreBench:
    def __init__(self) -> None:
        self.workspace_id = make_workspace().pk
        self.author = Author(self.workspace_id, "Alice", "page")
        self.app = ProspectStore(self.workspace_id, request_step)
        self.made = self.told = 0

    def make_list(self, name: str) -> str:
        return str(create_list(self.author, name).pk)

    def make_field(self, name: str, kind: Kind) -> str:
        labels = ["Blue", "Red"] if kind in (Kind.OPTION, Kind.OPTIONS) else []
        return f"custom.{create_field(self.author, name, kind.value, labels).key}"

    def make_prospect(self, values: Mapping[str, Value], list_ids: Sequence[str] = ()) -> str:
        self.made += 1
        record = finish(self.app.create_prospect(values, list_id=None, key=f"bench {self.made}"))
        update_prospect(self.author, int(record.id), {}, list_ids=[int(item) for item in list_ids])
        return record.id

    def delete_prospect(self, prospect_id: str) -> None:
        delete_prospects(self.author, [int(prospect_id)])

    def email_status(self, prospect_id: str) -> str:
        return str(Prospect.objects.get(pk=prospect_id).email_status)

    def send(self, prospect_id: str, *, html: str, at: datetime) -> str:
        email = {"id": f"mail-{self.told}", "subject": "Hello", "html": html}
        event_id = self._tell("email_sent", at, prospect={"id": prospect_id}, email=email)
        return str(CampaignEvent.objects.get(pk=event_id).email_id)

    def happen(self, type: str, email_id: str, *, at: datetime, **facts: object) -> str:
        email = CampaignEmail.objects.get(pk=email_id)
        return self._tell(type, at, email={"id": email.key}, **facts)

    def _tell(self, type: str, at: datetime, **facts: object) -> str:
        self.told += 1
        told = {"key": f"event-{self.told}", "type": type, "at": at, "campaign": {"name": "Q2"}, **facts}
        (result,) = record_events(self.author, [Telling(_as_sent(told))], source="api")
        assert result.outcome is EventOutcome.CREATED, result.errors
        return str(result.event_id)


def _as_sent(told: dict[str, object]) -> dict[str, object]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in told.items()}


class TestOutreachInMemory(CampaignContract, OutreachContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()


@pytest.mark.django_db
class TestProspectStore(CampaignContract, OutreachContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return StoreBench()

    def test_one_workspace_never_sees_the_other(self, bench):
        other = StoreBench()
        theirs = other.make_prospect({"first_name": "Theirs", "email": ("shared@example.com",)})

        assert finish(bench.app.find_by_emails(["shared@example.com"])) == {}
        assert finish(bench.app.count(list_ids=None)) == 0
        assert finish(bench.app.get_prospects([theirs]))[theirs].__class__.__name__ == "Gone"

    def test_no_more_of_a_long_email_is_read_than_is_ever_shown(self, bench):
        html = "<p>All work and no play.</p>" * 180_000
        email_id = bench.send(
            bench.make_prospect({"email": ("ada@engine.example",)}), html=html, at=timezone.now()
        )

        with CaptureQueriesContext(connection) as queries:
            email = finish(bench.app.get_campaign_emails([email_id]))[email_id]

        assert len(email.html) == READ_CHARACTERS + 1
        assert CampaignEmail.objects.get(pk=email_id).html == html
        assert not any('"raw"' in query["sql"] for query in queries)

    def test_what_stays_of_an_address_keeps_its_spelling_and_label(self, bench):
        prospect_id = bench.make_prospect({"first_name": "Ann"})
        emails = [{"value": "Ann@Example.com", "label": "work"}]
        update_prospect(bench.author, int(prospect_id), {"emails": emails})

        finish(
            bench.app.update_prospect(prospect_id, {"email": ("ann@example.com", "b@example.com")}, seen=None)
        )

        assert Prospect.objects.get(pk=prospect_id).emails == [
            *emails,
            {"value": "b@example.com", "label": ""},
        ]


class TestManyAtOnce:
    """The built-in store makes together what is asked for in the same moment."""

    @pytest.mark.django_db
    def test_each_gets_its_own_answer_and_all_of_them_cost_as_many_queries_as_one(self) -> None:
        bench = StoreBench()
        receiving = bench.make_list("From Pipedrive")

        def create(number: int, email: str) -> Any:
            values = {"first_name": f"P{number}", "last_name": None, "email": (email,), "phone": ()}
            return bench.app.create_prospect(values, list_id=receiving, key=f"k:{number}")

        async def all_of(calls: Sequence[Any]) -> list[Any]:
            return await asyncio.gather(*calls, return_exceptions=True)

        finish(create(0, "zero@north.example"))
        with CaptureQueriesContext(connection) as alone:
            finish(create(1, "one@north.example"))
        wanted = [create(n, f"p{n}@north.example") for n in range(2, 30)]
        wanted += [create(0, "zero@north.example"), create(30, "no address")]
        with CaptureQueriesContext(connection) as together:
            *made, again, refused = finish(all_of(wanted))
        assert [one.values["first_name"] for one in made] == [f"P{n}" for n in range(2, 30)]
        assert {one.list_ids for one in made} == {frozenset({receiving})}
        assert again.values["first_name"] == "P0"
        assert isinstance(refused, InvalidForRemote)
        assert Prospect.objects.count() == 30
        assert len(together) <= len(alone) + 4, "and the names of the fields, for what is refused"
