"""Made-up companies of any size, the same for the same seed number.

Given e-mails and people come first, so that a company can share addresses with another program's data. A seed writes
straight to the tables and fires no webhooks. It yields now and then, so that the server goes on answering meanwhile.
A seed that ends halfway, even by a kill, leaves no company behind.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from pipedrive_sandbox import activity_types, leads, sample_data, search_index
from pipedrive_sandbox.account import Account, new_company
from pipedrive_sandbox.activities import new_activity
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import rfc3339
from pipedrive_sandbox.database import INDEXES
from pipedrive_sandbox.deals import new_deal
from pipedrive_sandbox.fields import create_field, install_system_fields
from pipedrive_sandbox.pipelines import create_pipeline, create_stage, pipelines, stages_of
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.seed_contacts import DAY, Chance, Contacts
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.state import Actor, State
from pipedrive_sandbox.users import new_user

CHUNK = 2_000
LARGE = 20_000
"""From so many persons and organizations on, indexes are made after the records, which is quicker."""


class Seeder:
    """One run of a seed over one new company."""

    def __init__(self, state: State, plan: Plan) -> None:
        self.state = state
        self.plan = plan
        self.chance = Chance(plan.seed)
        self.account: Account
        self.codes: dict[str, str] = {}

    def run(self) -> Iterator[int]:
        """Do it all; yields now and then how many records of one kind were written so far."""
        with self.state.transaction():
            self._company_and_users()
            if self.plan.fields:
                self._fields()
            self._pipelines()
            self.state.begin_company(self.account.id)
        try:
            yield 0
            yield from self._records()
        except Exception:
            self.state.forget_unfinished(self.account.id)
            self.state.database.make_indexes()
            raise
        with self.state.transaction():
            self.state.keep_setting("plans", [*self.state.setting("plans", []), asdict(self.plan)])
            self.state.end_company(self.account.id)

    def _records(self) -> Iterator[int]:
        database = self.state.database
        contacts = Contacts(self.account, self.plan, self.chance, self.codes)
        if self._is_large():
            database.drop_indexes("organization", "person", "search_entry")
        yield from self._save("organization", contacts.organizations())
        yield from self._save("person", contacts.persons())
        for index in INDEXES:
            database.execute(index)
            yield self.plan.persons
        yield from self._save("deal", self._deals(contacts))
        yield from self._save("activity", self._activities(contacts))

    def _is_large(self) -> bool:
        """Large, and more than there is already, since an index is made over all there is."""
        there = sum(self.state.records[kind].count_all() for kind in ("organization", "person"))
        return self.plan.persons + self.plan.organizations > max(LARGE, there)

    def summary(self) -> Body:
        account = self.account
        keys = ("id", "name", "email", "api_token", "is_admin")
        counts = {
            kind: account.records(kind).count(account.id)
            for kind in ("person", "organization", "pipeline", "stage", "deal", "activity")
        }
        return {
            "company_id": account.id,
            "company": account.company,
            "users": [{key: user[key] for key in keys} for user in account.users()],
            "api_token": account.user["api_token"],
            "fields": self.codes,
            "counts": counts,
        }

    def _digest(self, *parts: Any) -> str:
        text = ":".join(str(part) for part in (self.plan.seed, self.account.id, *parts))
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def _company_and_users(self) -> None:
        users = self.plan.users
        wanted: list[Body] = (
            users if isinstance(users, list) else [self._invented_user(number) for number in range(users)]
        )
        wanted = wanted or [self._invented_user(0)]
        company = new_company(self.state, **({"seats": len(wanted)} | self.plan.company))
        self.account = Account(self.state, company, {})
        for number, given in enumerate(wanted, start=1):
            email = given.get("email") or f"user{number}@{company['domain']}.example.com"
            email = email.replace("@company", f"@{company['domain']}")
            new_user(
                self.state, company, **{"api_token": self._digest("token", number), **given, "email": email}
            )
        self.account.user = self.account.users()[0]
        install_system_fields(self.account)
        activity_types.install(self.account)
        leads.install(self.account)

    def _invented_user(self, number: int) -> Body:
        name, local = sample_data.USERS[number % len(sample_data.USERS)]
        again = "" if number < len(sample_data.USERS) else str(number)
        return {"name": f"{name}{again and ' ' + again}", "email": f"{local}{again}@company.example.com"}

    def _fields(self) -> None:
        actor = Actor(self.account.user_id, "app")
        for entity, name, kind, labels in sample_data.FIELDS:
            given: Body = {
                "field_name": name,
                "field_type": kind,
                "options": [{"label": label} for label in labels],
            }
            code = self._digest("field", entity, name)
            create_field(self.account, entity, given, actor, code)
            self.codes[f"{entity}.{name}"] = code

    def _pipelines(self) -> None:
        actor = Actor(self.account.user_id, "app")
        for number in range(max(1, self.plan.pipelines)):
            name = sample_data.PIPELINES[number % len(sample_data.PIPELINES)]
            pipeline = create_pipeline(self.account, {"name": name}, actor)
            for position, stage in enumerate(sample_data.STAGES):
                given = {"name": stage, "pipeline_id": pipeline["id"], "deal_probability": 20 * position + 10}
                create_stage(self.account, given, actor)

    def _deals(self, contacts: Contacts) -> Iterator[Body]:
        """Deals of the first persons, most of them open and spread over the stages."""
        account, chance = self.account, self.chance
        people = account.records("person").where(account.id, limit=self.plan.deals)
        stages = [stage for pipeline in pipelines(account) for stage in stages_of(account, pipeline["id"])]
        for turn in range(self.plan.deals if people else 0):
            person = people[turn % len(people)]
            stage = stages[min(int(chance.expovariate(0.35)), len(stages) - 1)]
            given = {
                "title": f"{person['name']} deal",
                "owner_id": chance.pick(contacts.owners),
                "person_id": person["id"],
                "org_id": person["org_id"],
                "value": chance.whole(3, 60) * 100,
            }
            where = {"pipeline_id": stage["pipeline_id"], "stage_id": stage["id"]}
            number = account.records("deal").new_id(account.id)
            deal = new_deal(account, number, given, where) | contacts.times()
            deal["stage_change_time"] = deal["update_time"]
            if chance.random() < 0.25:
                status = chance.pick(("won", "lost"))
                deal |= {
                    "status": status,
                    f"{status}_time": deal["update_time"],
                    "close_time": deal["update_time"],
                }
            yield deal

    def _activities(self, contacts: Contacts) -> Iterator[Body]:
        account, chance = self.account, self.chance
        people = account.records("person").where(account.id, limit=self.plan.activities)
        for turn in range(self.plan.activities if people else 0):
            person = people[turn % len(people)]
            kind, subject = chance.pick(sample_data.ACTIVITIES)
            given = {
                "subject": subject.format(person["first_name"] or person["name"]),
                "type": kind,
                "owner_id": chance.pick(contacts.owners),
                "org_id": person["org_id"],
                "deal_id": self._open_deal_of(person["id"]),
                "participants": [{"person_id": person["id"]}],
                "due_date": rfc3339(contacts.now + chance.whole(-60, 20) * DAY)[:10],
            }
            number = account.records("activity").new_id(account.id)
            activity = new_activity(account, number, given) | contacts.times()
            if activity["due_date"] < rfc3339(contacts.now)[:10]:
                activity |= {"done": True, "marked_as_done_time": activity["update_time"]}
            yield activity

    def _open_deal_of(self, person: int) -> int | None:
        mine: Condition = ("person_id = ?", (person,))
        found = self.account.records("deal").where(self.account.id, mine, ("status = 'open'", ()), limit=1)
        return found[0]["id"] if found else None

    def _save(self, kind: str, bodies: Iterable[Body]) -> Iterator[int]:
        walk = iter(bodies)
        written = 0
        while chunk := list(islice(walk, CHUNK)):
            with self.state.transaction():
                self.account.records(kind).save_many(self.account.id, chunk)
                if kind in search_index.SEARCHED_KINDS:
                    search_index.insert_many(self.account, kind, chunk)
            written += len(chunk)
            yield written
