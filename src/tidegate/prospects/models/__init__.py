"""What the prospect store keeps. One module a subject; everything is imported from here.

It knows nothing of connections or Pipedrive. Writes go through `prospects.services`, which announce what changed in the
same transaction (`prospects.signals`); nothing else may save a prospect or an event.
"""

import tidegate.lookups  # noqa: F401  (registers `any`)
from tidegate.prospects.models.campaigns import (
    ACTED_ON,
    Campaign,
    CampaignEmail,
    CampaignEvent,
    EventType,
)
from tidegate.prospects.models.imports import Import, ImportProblem, ImportState
from tidegate.prospects.models.people import (
    Consent,
    CustomField,
    EmailStatus,
    FieldType,
    Prospect,
    ProspectEmail,
    ProspectList,
)

__all__ = [
    "ACTED_ON",
    "Campaign",
    "CampaignEmail",
    "CampaignEvent",
    "Consent",
    "CustomField",
    "EmailStatus",
    "EventType",
    "FieldType",
    "Import",
    "ImportProblem",
    "ImportState",
    "Prospect",
    "ProspectEmail",
    "ProspectList",
]
