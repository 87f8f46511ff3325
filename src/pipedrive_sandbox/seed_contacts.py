"""The organizations and persons of a seed. There may be a million of them, so each costs a few microseconds.

What a record consists of is said by `new_person` and `new_organization`, which are asked once; each record is then a
copy of that one with its own values.
"""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import TypeVar

from pipedrive_sandbox import sample_data
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import rfc3339
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.organizations import new_organization
from pipedrive_sandbox.persons import new_person, values_list
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.values import address

MAX_AGE_DAYS = 700
DAY = 86_400
T = TypeVar("T")


class Chance(random.Random):
    """The dice of a seed: a third of the time that `choice` and `randint` take, and even enough for sample data."""

    def pick(self, among: Sequence[T]) -> T:
        return among[int(self.random() * len(among))]

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))


@dataclass
class Contacts:
    account: Account
    plan: Plan
    chance: Chance
    codes: dict[str, str]
    """Codes of the custom fields by `entity.name`; empty for a company without custom fields."""
    organization_ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.account.state.clock.now()
        self.owners = [user["id"] for user in self.account.users() if user["active_flag"]]
        custom = field_set(self.account, "person").custom
        self._options = {
            code: [option["id"] for option in found["options"] or []] for code, found in custom.items()
        }

    def organizations(self) -> Iterator[Body]:
        blank = new_organization(self.account, 0, {"name": ""})
        new_id = self.account.records("organization").new_id
        for name in self._organization_names():
            number = self.organization_ids[name] = new_id(self.account.id)
            yield {
                **blank,
                "id": number,
                "name": name.strip(),
                "owner_id": self.chance.pick(self.owners),
                "website": f"https://{_slug(name)}.example.com",
                "employee_count": self.chance.pick((4, 12, 35, 80, 240, None)),
                "address": self._address(),
                **self.times(),
            }

    def persons(self) -> Iterator[Body]:
        given = self.plan.given_people()
        invented: Iterator[Body] = ({} for _ in range(self.plan.persons - len(given)))
        taken = {person["email"].casefold() for person in given if person.get("email")}
        names = list(self.organization_ids)
        blank = new_person(self.account, 0, {"name": "", "first_name": None, "last_name": None}, {})
        new_id = self.account.records("person").new_id
        for person in chain(given, invented):
            yield blank | self._person(new_id(self.account.id), person, taken, names)

    def times(self) -> Body:
        """As if written some time in the last two years."""
        chance, now = self.chance.random, self.now
        added = now - (2 + chance() * (MAX_AGE_DAYS - 2)) * DAY
        return {"add_time": rfc3339(added), "update_time": rfc3339(added + chance() * (now - DAY - added))}

    def _organization_names(self) -> Iterator[str]:
        named = [person["organization"] for person in self.plan.given_people() if person.get("organization")]
        invented = (self._company_name(number) for number in range(self.plan.organizations))
        names = dict.fromkeys(chain(named, invented))
        return islice(names, max(self.plan.organizations, len(set(named))))

    def _company_name(self, number: int) -> str:
        first, second = sample_data.COMPANY_FIRST, sample_data.COMPANY_SECOND
        name = first[number % len(first)] + second[number // len(first) % len(second)]
        form = self.chance.pick(sample_data.COMPANY_FORMS)
        around = number // (len(first) * len(second))
        return f"{name} {form}" if around == 0 else f"{name} {around + 1} {form}"

    def _address(self) -> Body:
        street, city = self.chance.pick(sample_data.STREETS), self.chance.pick(sample_data.CITIES)
        house = str(self.chance.whole(1, 90))
        parts = {"locality": city, "route": street, "street_number": house}
        return address({"value": f"{street} {house}, {city}", **parts})

    def _person(self, number: int, given: Body, taken: set[str], organizations: list[str]) -> Body:
        chance = self.chance
        first, last = self._name(given)
        organization = given.get("organization")
        if organization is None and organizations and chance.random() < 0.8:
            organization = chance.pick(organizations)
        email = given.get("email")
        if email is None and "name" not in given and chance.random() < 0.95:
            email = f"{_slug(first)}.{_slug(last)}{number}@{chance.pick(sample_data.DOMAINS)}"
            email = None if email in taken else email
        phone = given.get("phone") or (
            f"+358 40 {chance.whole(1_000_000, 9_999_999)}" if chance.random() < 0.6 else None
        )
        return {
            "id": number,
            "name": f"{first} {last}" if first and last else first or last,
            "first_name": first or None,
            "last_name": last or None,
            "owner_id": chance.pick(self.owners),
            "org_id": self.organization_ids[organization] if organization else None,
            "emails": values_list(self.account, [{"value": email}], is_email=True) if email else [],
            "phones": values_list(self.account, [{"value": phone}]) if phone else [],
            "custom_fields": self._custom(given) if self.codes else {},
            **self.times(),
        }

    def _name(self, given: Body) -> tuple[str, str]:
        if not given:
            return self.chance.pick(sample_data.FIRST_NAMES), self.chance.pick(sample_data.LAST_NAMES)
        if given.get("first_name") or given.get("last_name"):
            return given.get("first_name", ""), given.get("last_name", "")
        if given.get("name"):
            first, _, last = given["name"].partition(" ")
            return first, last
        local = given["email"].partition("@")[0] if given.get("email") else ""
        first, _, last = local.replace("_", ".").partition(".")
        if first.isalpha() and last.rstrip("0123456789").isalpha():
            return first.capitalize(), last.rstrip("0123456789").capitalize()
        return self._name({})

    def _custom(self, given: Body) -> Body:
        chance, codes = self.chance, self.codes
        values: Body = {
            codes["person.Job title"]: given.get("job_title") or chance.pick(sample_data.JOB_TITLES)
        }
        if chance.random() < 0.5:
            code = codes["person.Lead source"]
            values[code] = chance.pick(self._options[code])
        if chance.random() < 0.3:
            code = codes["person.Interests"]
            values[code] = sorted(chance.sample(self._options[code], chance.whole(1, 3)))
        if chance.random() < 0.3:
            values[codes["person.Lead score"]] = chance.whole(0, 1000) / 10
        if chance.random() < 0.2:
            values[codes["person.First met"]] = rfc3339(self.now - chance.whole(1, 900) * DAY)[:10]
        if chance.random() < 0.1:
            money = {"value": chance.whole(1, 90) * 500, "currency": self.account.company["currency"]}
            values[codes["person.Yearly budget"]] = money
        return values


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.lower()).replace("ø", "o")
    plain = "".join(letter for letter in bare if letter.isascii() and (letter.isalnum() or letter == " "))
    return plain.replace(" ", "-") or "x"
