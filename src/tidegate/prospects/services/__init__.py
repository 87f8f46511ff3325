"""Everything that writes to the prospect store: each call one transaction, announced within it (`prospects.signals`)."""

from tidegate.prospects.authors import Author
from tidegate.prospects.consent import renew_consent
from tidegate.prospects.services.bulk import MAX_ITEMS, ItemResult, Policy, upsert_prospects
from tidegate.prospects.services.campaigns import create_campaign
from tidegate.prospects.services.fields import change_field, create_field, delete_field, get_field
from tidegate.prospects.services.lists import (
    add_to_list,
    create_list,
    delete_list,
    get_or_create_lists,
    remove_from_list,
    rename_list,
)
from tidegate.prospects.services.saving import (
    Newcomer,
    Outcome,
    Saved,
    create_prospect,
    create_prospects,
    delete_prospects,
    update_prospect,
)

__all__ = [
    "MAX_ITEMS",
    "Author",
    "ItemResult",
    "Newcomer",
    "Outcome",
    "Policy",
    "Saved",
    "add_to_list",
    "change_field",
    "create_campaign",
    "create_field",
    "create_list",
    "create_prospect",
    "create_prospects",
    "delete_field",
    "delete_list",
    "delete_prospects",
    "get_field",
    "get_or_create_lists",
    "remove_from_list",
    "rename_list",
    "renew_consent",
    "update_prospect",
    "upsert_prospects",
]
