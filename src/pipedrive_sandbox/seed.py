"""Made-up companies of any size, the same for the same seed number.

Given e-mails and people come first, so that a company can share addresses with another program's data. A seed writes
straight to the tables and fires no webhooks. It yields now and then, so that the server goes on answering meanwhile.
"""

import csv
import hashlib
import io
import random
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from pipedrive_sandbox import activity_types, leads, sample_data, search_index
from pipedrive_sandbox.account import Account, new_company
from pipedrive_sandbox.activities import new_activity
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import rfc3339
from pipedrive_sandbox.deals import new_deal
from pipedrive_sandbox.fields import create_field, field_set, install_system_fields
from pipedrive_sandbox.organizations import new_organization
from pipedrive_sandbox.persons import new_person
from pipedrive_sandbox.pipelines import create_pipeline, create_stage, pipelines, stages_of
from pipedrive_sandbox.records import SHIFT, Condition
from pipedrive_sandbox.state import Actor, State
from pipedrive_sandbox.users import new_user

CHUNK = 2_000
MAX_AGE_DAYS = 700
DAY = 86_400


@dataclass
class Plan:
    """What a seed is to make."""

    company: Body = field(default_factory=dict)
    users: int | list[Body] = 3
    persons: int = 400
    organizations: int = 120
    pipelines: int = 2
    deals: int = 40
    activities: int = 80
    fields: bool = True
    emails: list[str] = field(default_factory=list)
    people: list[Body] = field(default_factory=list)
    csv: str = ""
    seed: int = 1

    @classmethod
    def of(cls, given: Body) -> "Plan":
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"A seed has no {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
        return cls(**given)

    def given_people(self) -> list[Body]:
        """Everybody named by the caller, at most `persons` of them."""
        people = [*self.people, *people_of_csv(self.csv), *({"email": email} for email in self.emails)]
        return people[: self.persons]


CSV_NAMES = {
    "email": ("email", "e-mail", "email address", "e-mail address", "mail"),
    "first_name": ("first name", "first_name", "firstname", "given name"),
    "last_name": ("last name", "last_name", "lastname", "surname"),
    "name": ("name", "full name"),
    "organization": ("organization", "company", "company name", "organisation"),
    "phone": ("phone", "phone number", "telephone", "mobile"),
    "job_title": ("job title", "title", "position", "job_title"),
}


def people_of_csv(text: str) -> list[Body]:
    """People from a file with a header line; columns are known by their usual names."""
    if not text.strip():
        return []
    dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t") if "\n" in text else csv.excel
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), dialect=dialect)
    by_heading = {heading: key for key, headings in CSV_NAMES.items() for heading in headings}
    columns = {name: by_heading.get(name.strip().lower()) for name in rows.fieldnames or []}
    people = []
    for row in rows:
        person = {
            key: row[name].strip() for name, key in columns.items() if key and row[name] and row[name].strip()
        }
        if person:
            people.append(person)
    return people


class Seeder:
    """One run of a seed over one new company."""

    def __init__(self, state: State, plan: Plan) -> None:
        self.state = state
        self.plan = plan
        self.chance = random.Random(plan.seed)  # noqa: S311  sample data is no secret
        self.now = state.clock.now()
        self.account: Account
        self.organization_ids: dict[str, int] = {}
        self.codes: dict[str, str] = {}

    def run(self) -> Iterator[int]:
        """Do it all; yields how many records were written so far."""
        with self.state.transaction():
            self._company_and_users()
            if self.plan.fields:
                self._fields()
            self._pipelines()
            self.state.keep_setting("plans", [*self.state.setting("plans", []), asdict(self.plan)])
        yield 0
        yield from self._save("organization", self._organizations())
        yield from self._save("person", self._persons())
        yield from self._save("deal", self._deals())
        yield from self._save("activity", self._activities())

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

    def _organizations(self) -> Iterator[Body]:
        named = [person["organization"] for person in self.plan.given_people() if person.get("organization")]
        invented = (self._company_name(number) for number in range(self.plan.organizations))
        names = dict.fromkeys(chain(named, invented))
        for name in islice(names, max(self.plan.organizations, len(set(named)))):
            number = self.account.records("organization").new_id(self.account.id)
            self.organization_ids[name] = number
            organization = new_organization(self.account, number, {"name": name, "owner_id": self._owner()})
            organization["website"] = f"https://{_slug(name)}.example.com"
            organization["employee_count"] = self.chance.choice((4, 12, 35, 80, 240, None))
            street, city = self.chance.choice(sample_data.STREETS), self.chance.choice(sample_data.CITIES)
            parts = dict.fromkeys(
                ("country", "admin_area_level_1", "admin_area_level_2", "sublocality", "subpremise")
            )
            house = str(self.chance.randint(1, 90))
            organization["address"] = {
                "value": f"{street} {house}, {city}",
                **parts,
                "locality": city,
                "route": street,
                "street_number": house,
                "postal_code": None,
            }
            yield self._aged(organization)

    def _company_name(self, number: int) -> str:
        first, second = sample_data.COMPANY_FIRST, sample_data.COMPANY_SECOND
        name = first[number % len(first)] + second[number // len(first) % len(second)]
        form = self.chance.choice(sample_data.COMPANY_FORMS)
        around = number // (len(first) * len(second))
        return f"{name} {form}" if around == 0 else f"{name} {around + 1} {form}"

    def _persons(self) -> Iterator[Body]:
        given = self.plan.given_people()
        invented: Iterator[Body] = ({} for _ in range(self.plan.persons - len(given)))
        taken = {person["email"].casefold() for person in given if person.get("email")}
        names = list(self.organization_ids)
        options = {code: self._option_ids(code) for code in self.codes.values()}
        for person in chain(given, invented):
            number = self.account.records("person").new_id(self.account.id)
            yield self._aged(self._person(number, person, taken, names, options))

    def _person(
        self,
        number: int,
        given: Body,
        taken: set[str],
        organizations: list[str],
        options: dict[str, list[int]],
    ) -> Body:
        chance = self.chance
        first, last = self._name(given)
        name = " ".join(part for part in (first, last) if part)
        organization = given.get("organization")
        if organization is None and organizations and chance.random() < 0.8:
            organization = chance.choice(organizations)
        email = given.get("email")
        if email is None and "name" not in given and chance.random() < 0.95:
            email = f"{_slug(first)}.{_slug(last)}{number}@{chance.choice(sample_data.DOMAINS)}"
            email = None if email in taken else email
        phone = given.get("phone") or (
            f"+358 40 {chance.randint(1_000_000, 9_999_999)}" if chance.random() < 0.6 else None
        )
        person = new_person(
            self.account,
            number,
            {"name": name, "first_name": first or None, "last_name": last or None},
            {
                "owner_id": self._owner(),
                "org_id": self.organization_ids.get(organization) if organization else None,
                "emails": [{"value": email, "primary": True, "label": "work"}] if email else [],
                "phones": [{"value": phone, "primary": True, "label": "work"}] if phone else [],
            },
        )
        if self.codes:
            person["custom_fields"] = self._custom(given, options)
        return person

    def _name(self, given: Body) -> tuple[str, str]:
        if given.get("first_name") or given.get("last_name"):
            return given.get("first_name", ""), given.get("last_name", "")
        if given.get("name"):
            first, _, last = given["name"].partition(" ")
            return first, last
        local = given["email"].partition("@")[0] if given.get("email") else ""
        first, _, last = local.replace("_", ".").partition(".")
        if first.isalpha() and last.rstrip("0123456789").isalpha():
            return first.capitalize(), last.rstrip("0123456789").capitalize()
        return self.chance.choice(sample_data.FIRST_NAMES), self.chance.choice(sample_data.LAST_NAMES)

    def _custom(self, given: Body, options: dict[str, list[int]]) -> Body:
        chance, codes = self.chance, self.codes
        values: Body = {
            codes["person.Job title"]: given.get("job_title") or chance.choice(sample_data.JOB_TITLES)
        }
        if chance.random() < 0.5:
            code = codes["person.Lead source"]
            values[code] = chance.choice(options[code])
        if chance.random() < 0.3:
            code = codes["person.Interests"]
            values[code] = sorted(chance.sample(options[code], chance.randint(1, 3)))
        if chance.random() < 0.3:
            values[codes["person.Lead score"]] = chance.randint(0, 1000) / 10
        if chance.random() < 0.2:
            values[codes["person.First met"]] = rfc3339(self.now - chance.randint(1, 900) * DAY)[:10]
        if chance.random() < 0.1:
            money = {"value": chance.randint(1, 90) * 500, "currency": self.account.company["currency"]}
            values[codes["person.Yearly budget"]] = money
        return values

    def _option_ids(self, code: str) -> list[int]:
        for entity in ("person", "organization", "deal"):
            found = field_set(self.account, entity).custom.get(code)
            if found is not None:
                return [option["id"] for option in found["options"] or []]
        return []

    def _deals(self) -> Iterator[Body]:
        """Deals of the first persons, most of them open and spread over the stages."""
        account, chance = self.account, self.chance
        people = account.records("person").where(account.id, limit=self.plan.deals)
        stages = [stage for pipeline in pipelines(account) for stage in stages_of(account, pipeline["id"])]
        for number in range(self.plan.deals if people else 0):
            person = people[number % len(people)]
            stage = stages[min(int(chance.expovariate(0.35)), len(stages) - 1)]
            given = {
                "title": f"{person['name']} deal",
                "owner_id": self._owner(),
                "person_id": person["id"],
                "org_id": person["org_id"],
                "value": chance.randint(3, 60) * 100,
            }
            where = {"pipeline_id": stage["pipeline_id"], "stage_id": stage["id"]}
            deal = self._aged(new_deal(account, account.records("deal").new_id(account.id), given, where))
            deal["stage_change_time"] = deal["update_time"]
            if chance.random() < 0.25:
                status = chance.choice(("won", "lost"))
                deal |= {
                    "status": status,
                    f"{status}_time": deal["update_time"],
                    "close_time": deal["update_time"],
                }
            yield deal

    def _activities(self) -> Iterator[Body]:
        account, chance = self.account, self.chance
        people = account.records("person").where(account.id, limit=self.plan.activities)
        for number in range(self.plan.activities if people else 0):
            person = people[number % len(people)]
            kind, subject = chance.choice(sample_data.ACTIVITIES)
            given = {
                "subject": subject.format(person["first_name"] or person["name"]),
                "type": kind,
                "owner_id": self._owner(),
                "org_id": person["org_id"],
                "deal_id": self._open_deal_of(person["id"]),
                "participants": [{"person_id": person["id"]}],
                "due_date": rfc3339(self.now + chance.randint(-60, 20) * DAY)[:10],
            }
            activity = self._aged(
                new_activity(account, account.records("activity").new_id(account.id), given)
            )
            if activity["due_date"] < rfc3339(self.now)[:10]:
                activity |= {"done": True, "marked_as_done_time": activity["update_time"]}
            yield activity

    def _open_deal_of(self, person: int) -> int | None:
        mine: Condition = ("person_id = ?", (person,))
        found = self.account.records("deal").where(self.account.id, mine, ("status = 'open'", ()), limit=1)
        return found[0]["id"] if found else None

    def _owner(self) -> int:
        users = self._active_users()
        return self.chance.choice(users)

    def _active_users(self) -> list[int]:
        if not hasattr(self, "_users"):
            self._users = [user["id"] for user in self.account.users() if user["active_flag"]]
        return self._users

    def _aged(self, body: Body) -> Body:
        """As if written some time in the last two years."""
        added = self.now - self.chance.randint(2 * DAY, MAX_AGE_DAYS * DAY)
        body["add_time"] = rfc3339(added)
        body["update_time"] = rfc3339(added + self.chance.random() * (self.now - DAY - added))
        return body

    def _save(self, kind: str, bodies: Iterable[Body]) -> Iterator[int]:
        account, database = self.account, self.state.database
        walk = iter(bodies)
        written = 0
        while chunk := list(islice(walk, CHUNK)):
            with self.state.transaction():
                account.records(kind).save_many(account.id, chunk)
                searched = chunk if kind in search_index.SEARCHED_KINDS else []
                rows = [
                    (kind, account.id * SHIFT + body["id"], field_name, value, value.casefold())
                    for body in searched
                    for field_name, value in search_index.entries_of(account, kind, body)
                ]
                database.executemany("INSERT INTO search_entry VALUES (?, ?, ?, ?, ?)", rows)
            written += len(chunk)
            yield written


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.lower()).replace("ø", "o")
    plain = "".join(letter for letter in bare if letter.isascii() and (letter.isalnum() or letter == " "))
    return plain.replace(" ", "-") or "x"
