"""Records as API v1 still shows them, in the answer of a merge and in recents.

v1 keeps custom fields at the root, shows linked records as numbers here, and has many counts.
"""

from typing import Any

from pipedrive_sandbox import activity_types, filters, notes, pipelines, users, v1
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import v1_time
from pipedrive_sandbox.computed import OF_DEALS, OF_ORGANIZATIONS, OF_PERSONS, computed
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.values import ADDRESS_PARTS, in_v1


def _custom(account: Account, entity: str, body: Body) -> Body:
    fields = field_set(account, entity)
    answer: Body = {}
    for code, value in fields.filled(body["custom_fields"]).items():
        answer |= in_v1(fields.custom[code]["field_type"], code, value)
    return answer


def _counts(account: Account, kind: str, body: Body, names: tuple[str, ...]) -> Body:
    wanted = tuple(
        name for name in names if name.endswith("_count") or name in ("next_activity_id", "last_activity_id")
    )
    answer = computed(account, kind, body, wanted)
    for which in ("next", "last"):
        number = answer[f"{which}_activity_id"]
        activity: Body = {} if number is None else account.records("activity").get(account.id, number) or {}
        answer[f"{which}_activity_date"] = activity.get("due_date")
        if which == "next":
            answer["next_activity_time"] = activity.get("due_time")
    return answer


def _name(account: Account, kind: str, number: int | None) -> str | None:
    body = None if number is None else account.records(kind).get(account.id, number)
    return None if body is None else body["name"]


def _label(body: Body) -> int | None:
    return body["label_ids"][0] if body["label_ids"] else None


def person(account: Account, body: Body) -> Body:
    return {
        "id": body["id"],
        "company_id": account.id,
        "owner_id": body["owner_id"],
        "org_id": body["org_id"],
        "name": body["name"],
        "first_name": body["first_name"],
        "last_name": body["last_name"],
        **_counts(account, "person", body, OF_PERSONS),
        "active_flag": not body["is_deleted"],
        "phone": body["phones"] or [{"value": "", "primary": True}],
        "email": body["emails"] or [{"value": "", "primary": True}],
        "first_char": body["name"][:1].lower(),
        **v1.stamps(body),
        "visible_to": str(body["visible_to"]),
        "picture_id": None,
        "last_incoming_mail_time": None,
        "last_outgoing_mail_time": None,
        "label": _label(body),
        "label_ids": body["label_ids"],
        "org_name": _name(account, "organization", body["org_id"]),
        "owner_name": _name(account, "user", body["owner_id"]),
        "cc_email": f"{account.company['domain']}@pipedrivemail.example",
        **_custom(account, "person", body),
    }


def organization(account: Account, body: Body) -> Body:
    owner: Body = account.records("user").get(account.id, body["owner_id"]) or {}
    address = body["address"] or {}
    return {
        "id": body["id"],
        "company_id": account.id,
        "owner_id": {
            "id": body["owner_id"],
            "name": owner.get("name"),
            "email": owner.get("email"),
            "has_pic": 0,
            "pic_hash": None,
            "active_flag": owner.get("active_flag"),
            "value": body["owner_id"],
        },
        "name": body["name"],
        **_counts(account, "organization", body, OF_ORGANIZATIONS),
        "active_flag": not body["is_deleted"],
        "picture_id": None,
        "country_code": None,
        "first_char": body["name"][:1].lower(),
        **v1.stamps(body),
        "visible_to": str(body["visible_to"]),
        "label": _label(body),
        "label_ids": body["label_ids"],
        "owner_name": owner.get("name"),
        "cc_email": f"{account.company['domain']}@pipedrivemail.example",
        "address": address.get("value"),
        **{f"address_{part}": address.get(part) for part in ADDRESS_PARTS},
        "address_formatted_address": address.get("value"),
        **_custom(account, "organization", body),
    }


def deal(account: Account, body: Body) -> Body:
    stage: Body = account.records("stage").get(account.id, body["stage_id"]) or {}
    plain = (
        "title",
        "value",
        "currency",
        "status",
        "probability",
        "lost_reason",
        "is_archived",
        "expected_close_date",
    )
    times = ("stage_change_time", "close_time", "won_time", "first_won_time", "lost_time")
    formatted = f"{body['value']:,} {body['currency']}"
    return {
        "id": body["id"],
        "creator_user_id": body["creator_user_id"],
        "user_id": body["owner_id"],
        "person_id": body["person_id"],
        "org_id": body["org_id"],
        "stage_id": body["stage_id"],
        "pipeline_id": body["pipeline_id"],
        **{key: body[key] for key in plain},
        **v1.stamps(body),
        **{key: v1_time(body[key]) for key in times},
        "active": body["status"] == "open" and not body["is_deleted"],
        "deleted": body["is_deleted"],
        **_counts(account, "deal", body, OF_DEALS),
        "visible_to": str(body["visible_to"]),
        "label": ",".join(str(label) for label in body["label_ids"]) or None,
        "last_incoming_mail_time": None,
        "last_outgoing_mail_time": None,
        "stage_order_nr": stage.get("order_nr"),
        "person_name": _name(account, "person", body["person_id"]),
        "org_name": _name(account, "organization", body["org_id"]),
        "owner_name": _name(account, "user", body["owner_id"]),
        "formatted_value": formatted,
        "weighted_value": body["value"],
        "formatted_weighted_value": formatted,
        "weighted_value_currency": body["currency"],
        "rotten_time": None,
        "cc_email": f"{account.company['domain']}+deal{body['id']}@pipedrivemail.example",
        "org_hidden": False,
        "person_hidden": False,
        "origin": body["origin"],
        "origin_id": body["origin_id"],
        "channel": body["channel"],
        "channel_id": body["channel_id"],
        **_custom(account, "deal", body),
    }


def activity(account: Account, body: Body) -> Body:
    location = body["location"] or {}
    plain = (
        "id",
        "subject",
        "type",
        "done",
        "due_date",
        "deal_id",
        "lead_id",
        "person_id",
        "org_id",
        "project_id",
    )
    answer: dict[str, Any] = {key: body[key] for key in plain}
    return answer | {
        "company_id": account.id,
        "user_id": body["owner_id"],
        "assigned_to_user_id": body["owner_id"],
        "created_by_user_id": body["creator_user_id"],
        "due_time": (body["due_time"] or "")[:5],
        "duration": (body["duration"] or "")[:5],
        "busy_flag": body["busy"],
        "active_flag": not body["is_deleted"],
        **v1.stamps(body),
        "marked_as_done_time": v1_time(body["marked_as_done_time"]) or "",
        "public_description": body["public_description"],
        "note": body["note"],
        "location": location.get("value"),
        "participants": [
            {"person_id": one["person_id"], "primary_flag": one["primary"]} for one in body["participants"]
        ],
        "attendees": body["attendees"] or None,
        "person_name": _name(account, "person", body["person_id"]),
        "org_name": _name(account, "organization", body["org_id"]),
        "owner_name": _name(account, "user", body["owner_id"]),
    }


def pipeline(account: Account, body: Body) -> Body:
    return {
        "id": body["id"],
        "name": body["name"],
        "url_title": body["name"].lower().replace(" ", "-"),
        "order_nr": body["order_nr"],
        "active": not body["is_deleted"],
        "deal_probability": body["is_deal_probability_enabled"],
        **v1.stamps(body),
    }


def stage(account: Account, body: Body) -> Body:
    return pipelines.stage_in_webhook(account, body) | v1.stamps(body)


def activity_type(account: Account, body: Body) -> Body:
    return activity_types.shown(body)


def saved_filter(account: Account, body: Body) -> Body:
    return filters.shown(account, body)


SHAPES = {
    "activity": ("activity", activity),
    "activityType": ("activity_type", activity_type),
    "deal": ("deal", deal),
    "filter": ("filter", saved_filter),
    "note": ("note", notes.shown),
    "person": ("person", person),
    "organization": ("organization", organization),
    "pipeline": ("pipeline", pipeline),
    "stage": ("stage", stage),
    "user": ("user", users.shown),
}
