"""The fields that every account has, by entity: (code, name, type, returned only on request, writable).

The codes of e-mail and phone differ from the keys of a record (`emails`, `phones`), as they do at Pipedrive.
"""

from typing import Any

from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.values import ADDRESS_PARTS

SystemField = tuple[str, str, str, bool, bool]

_COUNTS: list[SystemField] = [
    ("next_activity_id", "Next activity", "activity", True, False),
    ("last_activity_id", "Last activity", "activity", True, False),
    ("open_deals_count", "Open deals", "int", True, False),
    ("closed_deals_count", "Closed deals", "int", True, False),
    ("won_deals_count", "Won deals", "int", True, False),
    ("lost_deals_count", "Lost deals", "int", True, False),
    ("activities_count", "Total activities", "int", True, False),
    ("done_activities_count", "Done activities", "int", True, False),
    ("undone_activities_count", "Activities to do", "int", True, False),
    ("notes_count", "Notes", "int", True, False),
    ("files_count", "Files", "int", True, False),
    ("followers_count", "Followers", "int", True, False),
    ("email_messages_count", "E-mail messages", "int", True, False),
    ("smart_bcc_email", "Smart BCC e-mail", "varchar", True, False),
]
_STAMPS: list[SystemField] = [
    ("id", "ID", "int", False, False),
    ("add_time", "Created", "date", False, False),
    ("update_time", "Updated", "date", False, False),
]

# There only where the company syncs contacts with a calendar or mail program.
CONTACT_SYNC_FIELDS: list[SystemField] = [
    ("postal_address", "Postal address", "address", False, True),
    ("notes", "Notes", "text", False, True),
    ("im", "Instant messenger", "varchar", False, True),
    ("birthday", "Birthday", "date", False, True),
    ("job_title", "Job title", "varchar", False, True),
]

SYSTEM_FIELDS: dict[str, list[SystemField]] = {
    "person": [
        ("name", "Name", "varchar", False, True),
        ("first_name", "First name", "varchar", False, True),
        ("last_name", "Last name", "varchar", False, True),
        ("label_ids", "Labels", "set", False, True),
        ("phone", "Phone", "phone", False, True),
        ("email", "Email", "varchar", False, True),
        ("owner_id", "Owner", "user", False, True),
        ("org_id", "Organization", "org", False, True),
        ("visible_to", "Visible to", "visible_to", False, True),
        ("picture_id", "Profile picture", "picture", False, False),
        *CONTACT_SYNC_FIELDS,
        *_STAMPS,
        *_COUNTS,
        ("last_incoming_mail_time", "Last e-mail received", "date", True, False),
        ("last_outgoing_mail_time", "Last e-mail sent", "date", True, False),
    ],
    "organization": [
        ("name", "Name", "varchar", False, True),
        ("label_ids", "Labels", "set", False, True),
        ("owner_id", "Owner", "user", False, True),
        ("address", "Address", "address", False, True),
        ("visible_to", "Visible to", "visible_to", False, True),
        ("website", "Website", "varchar", False, True),
        ("linkedin", "LinkedIn profile", "varchar", False, True),
        ("industry", "Industry", "enum", False, True),
        ("annual_revenue", "Annual revenue", "double", False, True),
        ("employee_count", "Number of employees", "int", False, True),
        *_STAMPS,
        ("people_count", "People", "int", True, False),
        *_COUNTS,
    ],
    "deal": [
        ("title", "Title", "varchar", False, True),
        ("creator_user_id", "Creator", "user", False, False),
        ("owner_id", "Owner", "user", False, True),
        ("value", "Value", "monetary", False, True),
        ("currency", "Currency", "varchar_options", False, True),
        ("person_id", "Contact person", "people", False, True),
        ("org_id", "Organization", "org", False, True),
        ("pipeline_id", "Pipeline", "double", False, True),
        ("stage_id", "Stage", "stage", False, True),
        ("status", "Status", "status", False, True),
        ("label_ids", "Labels", "set", False, True),
        ("probability", "Probability", "double", False, True),
        ("lost_reason", "Lost reason", "varchar_options", False, True),
        ("expected_close_date", "Expected close date", "date", False, True),
        ("won_time", "Won time", "date", False, True),
        ("lost_time", "Lost time", "date", False, True),
        ("close_time", "Deal closed on", "date", False, True),
        ("stage_change_time", "Last stage change", "date", False, False),
        ("visible_to", "Visible to", "visible_to", False, True),
        ("is_archived", "Archive status", "boolean", False, True),
        ("archive_time", "Archive time", "date", False, True),
        ("origin", "Source origin", "varchar", False, False),
        ("origin_id", "Source origin ID", "varchar", False, False),
        ("channel", "Source channel", "enum", False, False),
        ("channel_id", "Source channel ID", "varchar", False, False),
        *_STAMPS,
        *[field for field in _COUNTS if not field[0].endswith("deals_count")],
        ("products_count", "Number of products", "int", True, False),
        ("participants_count", "Participants", "int", True, False),
        ("first_won_time", "First won time", "date", True, False),
        ("source_lead_id", "Source lead", "lead", True, False),
    ],
    "activity": [
        ("subject", "Subject", "varchar", False, True),
        ("type", "Type", "varchar", False, True),
        ("owner_id", "Assigned to user", "user", False, True),
        ("done", "Done", "boolean", False, True),
        ("due_date", "Due date", "date", False, True),
        ("due_time", "Due time", "time", False, True),
        ("duration", "Duration", "time", False, True),
        ("busy", "Free/busy", "boolean", False, True),
        ("deal_id", "Deal", "deal", False, True),
        ("lead_id", "Lead", "lead", False, True),
        ("person_id", "Contact person", "people", False, False),
        ("org_id", "Organization", "org", False, True),
        ("note", "Note", "text", False, True),
        ("public_description", "Public description", "text", False, True),
        ("location", "Location", "address", False, True),
        ("priority", "Priority", "enum", False, True),
        ("creator_user_id", "Creator", "user", False, False),
        ("marked_as_done_time", "Marked as done time", "date", False, False),
        *_STAMPS,
        ("attendees", "Attendees", "json", True, True),
    ],
}

LABEL_COLORS = ("green", "blue", "red", "yellow", "purple")
SYSTEM_OPTIONS: dict[tuple[str, str], list[tuple[Any, str, str | None]]] = {
    ("person", "label_ids"): [(1, "Customer", "green"), (2, "Hot lead", "red"), (3, "Warm lead", "yellow")],
    ("organization", "label_ids"): [
        (4, "Customer", "green"),
        (5, "Partner", "blue"),
        (6, "Vendor", "yellow"),
    ],
    ("deal", "label_ids"): [(7, "Hot", "red"), (8, "Warm", "yellow"), (9, "Cold", "blue")],
    ("organization", "industry"): [
        (10, "Design", None),
        (11, "Manufacturing", None),
        (12, "Software", None),
        (13, "Retail", None),
    ],
    ("deal", "status"): [("open", "Open", None), ("won", "Won", None), ("lost", "Lost", None)],
    ("activity", "priority"): [(14, "High", None), (15, "Medium", None), (16, "Low", None)],
}
VISIBILITY_OPTIONS: dict[bool, list[tuple[str, str]]] = {
    False: [("1", "Item owner"), ("3", "All users")],
    True: [
        ("1", "Item owner"),
        ("3", "Item owner’s group"),
        ("5", "Group and sub-groups"),
        ("7", "All users"),
    ],
}
FIRST_FREE_OPTION = 17

SUBFIELDS: dict[str, list[tuple[str, str, str]]] = {
    "monetary": [("value", "Value", "double"), ("currency", "Currency", "varchar_options")],
    "daterange": [("value", "Start", "date"), ("until", "End", "date")],
    "time": [
        ("value", "Time", "time"),
        ("timezone_id", "Time zone", "int"),
        ("timezone_name", "Name", "varchar"),
    ],
    "timerange": [
        ("value", "Start", "time"),
        ("until", "End", "time"),
        ("timezone_id", "Time zone", "int"),
        ("timezone_name", "Name", "varchar"),
    ],
    "address": [
        ("value", "Address", "varchar"),
        *((part, part.replace("_", " ").capitalize(), "varchar") for part in ADDRESS_PARTS),
        ("formatted_address", "Full address", "varchar"),
    ],
}


def subfields(field_type: str) -> list[Body] | None:
    parts = SUBFIELDS.get(field_type)
    if parts is None:
        return None
    return [{"field_code": code, "field_name": name, "field_type": kind} for code, name, kind in parts]


def visibility_defaults(entity: str) -> Body:
    """Where the web pages show a field, as a new field of the entity has it."""
    shown: Body = {"add_visible_flag": False, "details_visible_flag": True}
    dialog = {"show": False, "order": None}
    if entity == "deal":
        everywhere = {"show_in_all": True, "pipeline_ids": []}
        return shown | {"projects_detail_visible_flag": False, "show_in_pipelines": everywhere}
    if entity == "person":
        return shown | {"show_in_add_deal_dialog": dialog}
    if entity == "organization":
        flags = dict.fromkeys(
            ("org_detail_visible_flag", "person_detail_visible_flag", "deal_detail_visible_flag"), True
        )
        return shown | flags | {"show_in_add_deal_dialog": dialog, "show_in_add_person_dialog": dialog}
    return shown


def requirement_defaults(entity: str) -> Body:
    return {"enabled": False, "stage_ids": [], "statuses": {}} if entity == "deal" else {"enabled": False}
