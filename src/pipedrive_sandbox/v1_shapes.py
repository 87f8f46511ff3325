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

# Calendars, mail and conferences are outside the sandbox; v1 has their keys in every activity.
UNUSED_ACTIVITY_KEYS = (
    "conference_meeting_client",
    "conference_meeting_url",
    "conference_meeting_id",
    "reference_type",
    "reference_id",
    "last_notification_time",
    "last_notification_user_id",
    "notification_language_id",
    "gcal_event_id",
    "google_calendar_id",
    "google_calendar_etag",
    "calendar_sync_include_context",
    "source_timezone",
    "rec_rule",
    "rec_rule_extension",
    "rec_master_activity_id",
    "series",
    "person_dropbox_bcc",
    "deal_dropbox_bcc",
    "file",
)
REVENUE_KEYS = ("arr", "mrr", "acv", "arr_currency", "mrr_currency", "acv_currency")


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
            if kind == "deal":
                details = ("subject", "type", "duration", "note")
                answer |= {f"next_activity_{key}": activity.get(key) for key in details}
    return answer


def _name(account: Account, kind: str, number: int | None) -> str | None:
    body = None if number is None else account.records(kind).get(account.id, number)
    if body is None:
        return None
    name: str = body["title"] if kind == "deal" else body["name"]
    return name


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
        **dict.fromkeys(REVENUE_KEYS),
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
        "deal_title": _name(account, "deal", body["deal_id"]),
        "update_user_id": body["creator_user_id"],
        **{f"location_{part}": location.get(part) for part in ADDRESS_PARTS},
        "location_formatted_address": location.get("value"),
        **dict.fromkeys(UNUSED_ACTIVITY_KEYS),
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
