"""What messages call the records a call is about."""

from collections.abc import Mapping

from tidegate.words import Counted, say

MANY: Mapping[str, Counted] = {
    "person": Counted("{count} person", "{count} persons"),
    "organization": Counted("{count} organization", "{count} organizations"),
    "deal": Counted("{count} deal", "{count} deals"),
}
HANGING_ON: Mapping[str, Counted] = {
    "person": Counted("what hangs on {count} person", "what hangs on {count} persons"),
    "organization": Counted("what hangs on {count} organization", "what hangs on {count} organizations"),
}
OBJECTS: Mapping[str, str] = {
    "person": say("persons"),
    "organization": say("organizations"),
    "user": say("users"),
    "pipeline": say("pipelines"),
    "stage": say("stages"),
}
"""What webhooks tell of; the names by which Pipedrive may know fields are its own."""


def one(entity: str, id_: str) -> str:
    match entity:
        case "person":
            return say("person {id}", id=id_)
        case "organization":
            return say("organization {id}", id=id_)
        case "deal":
            return say("deal {id}", id=id_)
        case "activity":
            return say("activity {id}", id=id_)
    return say("webhook {id}", id=id_)
