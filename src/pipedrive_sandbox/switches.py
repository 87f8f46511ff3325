"""Named choices for what Pipedrive's documents leave open. Each says what its default rests on.

`docs/sandbox.md` lists them; `POST /_sandbox/switches` changes them.
"""

from dataclasses import dataclass
from typing import Any

DOCUMENTED = "documents"
"""Pipedrive's documents say so, though another page or an older one may not."""
SEEN = "seen live"
"""Nobody documents it, but client authors saw the live API do it."""
HARSHER = "harsher"
"""Nobody knows: the choice that a client has more to do to get right."""
ON_REQUEST = "on request"
"""A trouble that is made when asked for."""


@dataclass(frozen=True)
class Switch:
    default: Any
    choices: tuple[Any, ...]
    rests_on: str
    about: str


YES_NO = (True, False)

SWITCHES: dict[str, Switch] = {
    "rotate_refresh_token": Switch(
        False,
        YES_NO,
        DOCUMENTED,
        "A refresh brings a new refresh token and the old one is refused from then on.",
    ),
    "refresh_reuse_kills_install": Switch(
        True, YES_NO, HARSHER, "With rotation: a refresh token used twice ends the whole installation."
    ),
    "daily_headers": Switch(True, YES_NO, SEEN, "Send the undocumented x-daily-ratelimit-token-* headers."),
    "retry_after_header": Switch(False, YES_NO, HARSHER, "Send Retry-After with a 429."),
    "charge_failed_calls": Switch(True, YES_NO, HARSHER, "Calls that end in 4xx cost their tokens too."),
    "last_call_may_overdraw": Switch(
        False,
        YES_NO,
        HARSHER,
        "A call that costs more than is left of the day's budget passes; otherwise it is a 429 while cheaper ones still pass.",
    ),
    "daily_write_limit": Switch(
        True,
        YES_NO,
        HARSHER,
        "The old rule of 10,000 POST and PUT calls a day and user, API tokens only, is enforced.",
    ),
    "block_page": Switch(
        True, YES_NO, DOCUMENTED, "Answer 403 with an HTML page after many ignored 429s (API tokens only)."
    ),
    "limit_over_maximum": Switch("refuse", ("refuse", "cut"), HARSHER, "A page limit above the maximum."),
    "search_limit": Switch(100, (100, 500), SEEN, "Highest limit of a search."),
    "deleted_record_by_id": Switch(
        "found",
        ("found", "not_found", "gone"),
        HARSHER,
        "GET by id of a soft-deleted record: 200 with is_deleted, which looks alive to the careless; 404 or 410.",
    ),
    "empty_fields": Switch(
        "absent",
        ("absent", "null"),
        HARSHER,
        "System fields without a value, such as org_id: left out of the record, or null.",
    ),
    "half_names": Switch(
        "refuse",
        ("refuse", "accept"),
        DOCUMENTED,
        "A new person without name and with only one of first_name and last_name.",
    ),
    "two_primaries": Switch("last", ("last", "refuse"), SEEN, "Two e-mails or phones marked primary."),
    "lower_case_emails": Switch(
        True,
        YES_NO,
        HARSHER,
        "Store e-mail addresses in lower case, so that they come back otherwise than sent.",
    ),
    "unchanged_update_fires": Switch(
        True, YES_NO, HARSHER, "A PATCH that changes nothing still moves update_time and sends a webhook."
    ),
    "field_code_in_errors": Switch(
        True, YES_NO, DOCUMENTED, "Custom-field errors carry field_code, at the top of the body."
    ),
    "stage_pipeline_mismatch": Switch(
        "refuse", ("refuse", "stage_wins"), HARSHER, "A deal's stage_id and pipeline_id differ."
    ),
    "deal_is_deleted": Switch("refuse", ("refuse", "ignore"), HARSHER, "is_deleted in the body of a deal."),
    "nested_custom_fields": Switch(
        "server_error",
        ("server_error", "refuse"),
        SEEN,
        "custom_fields wrapped one level too deep: 500 ERR_UNKNOWN or 400.",
    ),
    "enforce_required_fields": Switch(
        True, YES_NO, HARSHER, "The API enforces fields marked required in the web pages."
    ),
    "search_delay": Switch(2.0, (), SEEN, "Seconds until a write can be found by search."),
    "search_keeps_deleted_persons": Switch(
        3600.0, (), SEEN, "Seconds for which a deleted person is still found."
    ),
    "search_keeps_deleted_organizations": Switch(
        True, YES_NO, SEEN, "Deleted organizations are found for ever."
    ),
    "webhook_scope": Switch(
        "either",
        ("either", "admin", "webhooks"),
        DOCUMENTED,
        "Which scope opens the webhook calls: admin, webhooks:full or either.",
    ),
    "webhook_probe": Switch(
        True, YES_NO, HARSHER, "Creating a webhook first calls its address, which must answer."
    ),
    "webhook_new_id_on_retry": Switch(
        True, YES_NO, HARSHER, "meta.id differs between attempts of one event."
    ),
    "webhook_success_resets_failures": Switch(
        False, YES_NO, HARSHER, "A success sets the counter towards a ban back to 0."
    ),
    "webhook_field_events": Switch(
        True, YES_NO, DOCUMENTED, "Field definitions fire events (personField and so on)."
    ),
    "webhook_merge_touches_links": Switch(
        True, YES_NO, HARSHER, "A merge fires a change for each linked record it moves."
    ),
    "webhook_restore": Switch(
        "silent",
        ("silent", "change", "create"),
        HARSHER,
        "What a deleted person tells when a user restores it.",
    ),
    "webhook_timestamp": Switch("iso", ("iso", "seconds"), DOCUMENTED, "Form of meta.timestamp."),
    "webhook_shuffle": Switch(False, YES_NO, ON_REQUEST, "Deliveries leave in random order."),
    "webhook_duplicate": Switch(0.0, (), ON_REQUEST, "Share of deliveries that are sent twice (0 to 1)."),
    "webhook_delay": Switch(0.0, (), ON_REQUEST, "Seconds by which deliveries leave late."),
    "webhook_drop": Switch(0.0, (), ON_REQUEST, "Share of events that are never sent (0 to 1)."),
    "recents_days": Switch(30, (), SEEN, "How far back recents answers, in days."),
}


class Switches:
    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.values = {name: switch.default for name, switch in SWITCHES.items()} | (values or {})

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def set(self, name: str, value: Any) -> None:
        switch = SWITCHES.get(name)
        if switch is None:
            raise ValueError(f"There is no switch {name!r}. Known: {', '.join(sorted(SWITCHES))}.")
        number_wanted = not switch.choices
        if number_wanted and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"Switch {name!r} takes a number, not {value!r}.")
        if not number_wanted and not any(
            value == choice and type(value) is type(choice) for choice in switch.choices
        ):
            raise ValueError(f"Switch {name!r} takes one of {list(switch.choices)}, not {value!r}.")
        self.values[name] = value
