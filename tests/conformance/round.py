"""A full round of an independent Python client, pypipedrive, against the sandbox, as any program would use it.

Usage: python round.py ADDRESS API_TOKEN. Calls, pages, errors and records are the client's own code. It knows one host,
so its addresses are led to the sandbox; and its ready-made models need Python 3.12, so they are declared here by its
means for models, with the same names and kinds.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

ADDRESS, TOKEN = sys.argv[1:3]
os.environ["PIPEDRIVE_API_TOKEN"] = TOKEN

from pypipedrive.api import V1, V2, Api  # noqa: E402
from pypipedrive.api.exceptions import ApiException  # noqa: E402
from pypipedrive.orm import fields as F  # noqa: E402
from pypipedrive.orm.model import Model  # noqa: E402


def build_url(self: Api, uri: str) -> str:
    base = f"{ADDRESS}/api/v1/" if self.version == "v1" else f"{ADDRESS}/api/v2/"
    return base + uri


Api.build_url = build_url
Made = dict[str, Any]


class Organizations(Model):
    id = F.IntegerField("id", readonly=True)
    name = F.TextField("name")
    owner_id = F.IntegerField("owner_id")
    add_time = F.DatetimeField("add_time", readonly=True)
    update_time = F.DatetimeField("update_time", readonly=True)
    address = F.AddressField("address")

    class Meta:
        entity_name = "organizations"
        version = V2


class Persons(Model):
    id = F.IntegerField("id", readonly=True)
    name = F.TextField("name")
    org_id = F.IntegerField("org_id")
    add_time = F.DatetimeField("add_time", readonly=True)
    update_time = F.DatetimeField("update_time", readonly=True)
    emails = F.EmailsField("emails")
    phones = F.PhonesField("phones")
    label_ids = F.LabelIdsField("label_ids")

    class Meta:
        entity_name = "persons"
        version = V2


class Deals(Model):
    id = F.IntegerField("id", readonly=True)
    title = F.TextField("title")
    value = F.NumberField("value")
    currency = F.TextField("currency")
    status = F.TextField("status")
    person_id = F.IntegerField("person_id")
    pipeline_id = F.IntegerField("pipeline_id")
    stage_id = F.IntegerField("stage_id")
    add_time = F.DatetimeField("add_time", readonly=True)
    update_time = F.DatetimeField("update_time", readonly=True)
    won_time = F.DatetimeField("won_time", readonly=True)

    class Meta:
        entity_name = "deals"
        version = V2


class Activities(Model):
    id = F.IntegerField("id", readonly=True)
    subject = F.TextField("subject")
    type = F.TextField("type")
    deal_id = F.IntegerField("deal_id")
    done = F.BooleanField("done")
    add_time = F.DatetimeField("add_time", readonly=True)
    update_time = F.DatetimeField("update_time", readonly=True)

    class Meta:
        entity_name = "activities"
        version = V2


def has(records: list[Any], id_: int) -> None:
    ids = [each["id"] if isinstance(each, dict) else each.id for each in records]
    assert id_ in ids, f"{id_} is not in {ids}"


def refused(call: Callable[[], object], status: int) -> None:
    try:
        call()
    except ApiException as error:
        assert error.code == status, error
        assert error.success is False
    else:
        raise AssertionError(f"was taken, though {status} was due")


def users(made: Made) -> None:
    api = Api(TOKEN, version=V1)
    me = api.get("users/me").data
    has(api.get("users").data, me["id"])
    assert api.get(f"users/{me['id']}").data["email"] == me["email"]
    found = api.get("users/find", params={"term": me["email"], "search_by_email": 1}).data
    has(found, me["id"])
    made["me"] = me["id"]


def fields(made: Made) -> None:
    api = Api(TOKEN, version=V2)
    options = [{"label": "Ebb"}, {"label": "Flow"}]
    body = {"field_name": "Tide", "field_type": "enum", "options": options}
    code = made["field"] = api.post("personFields", json=body).data["field_code"]
    seen = api.get(f"personFields/{code}").data
    assert [option["label"] for option in seen["options"]] == ["Ebb", "Flow"]
    listed = api.all("personFields", params={"limit": 5}).data
    assert [each for each in listed if each["field_code"] == code] == [seen]


def organizations(made: Made) -> None:
    organization = made["organization"] = Organizations(name="Lock & Weir")
    organization.save()
    organization.name = "Lock & Weirs"
    organization.save()
    assert Organizations.get(organization.id).name == "Lock & Weirs"
    has(Organizations.all(params={"limit": 50}), organization.id)


def persons(made: Made) -> None:
    emails = [{"value": "nils@weir.example", "primary": True, "label": "work"}]
    person = made["person"] = Persons(name="Nils Weir", org_id=made["organization"].id)
    person.save(additional_params={"emails": emails, "custom_fields": {made["field"]: None}})
    person.name = "Nils T. Weir"
    person.save()
    again = Api(TOKEN, version=V2).get(f"persons/{person.id}").data
    assert again["name"] == "Nils T. Weir"
    assert again["emails"] == emails
    assert Persons.get(person.id).org_id == made["organization"].id
    has(Persons.all(params={"org_id": made["organization"].id}), person.id)


def paging(made: Made) -> None:
    ids = [each.id for each in Persons.all(params={"limit": 100})]
    assert len(ids) == len(set(ids)) > 400, len(ids)


def deals(made: Made) -> None:
    deal = made["deal"] = Deals(title="A sluice", value=700, currency="EUR", person_id=made["person"].id)
    deal.save()
    deal.status = "won"
    deal.save()
    again = Deals.get(deal.id)
    assert again.status == "won"
    assert again.won_time is not None
    has(Deals.all(params={"person_id": made["person"].id}), deal.id)
    api = Api(TOKEN, version=V2)
    has(api.all("pipelines").data, again.pipeline_id)
    has(api.all("stages", params={"pipeline_id": again.pipeline_id}).data, again.stage_id)


def activities(made: Made) -> None:
    activity = made["activity"] = Activities(
        subject="Look at the sluice", type="call", deal_id=made["deal"].id
    )
    activity.save()
    activity.done = True
    activity.save()
    assert Activities.get(activity.id).done is True
    has(Activities.all(params={"deal_id": made["deal"].id}), activity.id)


def notes(made: Made) -> None:
    api = Api(TOKEN, version=V1)
    note = api.post("notes", json={"content": "Leaks", "person_id": made["person"].id}).data["id"]
    api.put(f"notes/{note}", json={"content": "Leaks a bit"})
    assert api.get(f"notes/{note}").data["content"] == "Leaks a bit"
    has(api.all("notes", params={"person_id": made["person"].id}).data, note)
    # The client takes no `data: true`, which is what the documents say; its session does.
    assert api.session.delete(api.build_url(f"notes/{note}")).json() == {"success": True, "data": True}


def webhooks(made: Made) -> None:
    api = Api(TOKEN, version=V1)
    body = {"subscription_url": "http://127.0.0.1:9/hook", "event_action": "create", "event_object": "deal"}
    hook = api.post("webhooks", json=body | {"name": "round", "version": "2.0"}).data["id"]
    has(api.get("webhooks").data, hook)
    assert api.delete(f"webhooks/{hook}").success


def search(made: Made) -> None:
    api = Api(TOKEN, version=V2)
    found = api.get("persons/search", params={"term": "nils@weir.example", "exact_match": "true"}).data[
        "items"
    ]
    assert [each["item"]["id"] for each in found] == [made["person"].id]
    found = api.get("itemSearch", params={"term": "sluice", "item_types": "deal"}).data["items"]
    assert [each["item"]["id"] for each in found] == [made["deal"].id]


def errors(made: Made) -> None:
    refused(lambda: Persons.get(99999999), 404)
    refused(lambda: Api(TOKEN, version=V2).post("deals", json={}), 400)
    refused(lambda: Api(TOKEN, version=V2).get("persons", params={"limit": 100_000}), 400)
    refused(lambda: Api("wrong", version=V2).get("persons"), 401)


def deletion(made: Made) -> None:
    for name in ("activity", "deal", "person", "organization"):
        assert made[name].delete(), name
    assert Api(TOKEN, version=V2).delete(f"personFields/{made['field']}").success
    assert Persons.all(params={"ids": str(made["person"].id)}) == []


ROUND = (users, fields, organizations, persons, paging, deals, activities, notes, webhooks, search, errors, deletion)  # fmt: skip


def main() -> int:
    print(f"An independent Python client against {ADDRESS}")
    failed = 0
    made: Made = {}
    for deed in ROUND:
        try:
            deed(made)
            print(f"  ok      {deed.__name__}")
        except Exception as error:
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"  FAILED  {deed.__name__}: {error!r} ({os.path.basename(where.filename)}:{where.lineno})")
    print(f"Python client: {len(ROUND) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
