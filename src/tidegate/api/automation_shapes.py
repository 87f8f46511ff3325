"""Automations in the body of a connection: one shape for each action, so that a parameter it doesn't take is refused."""

from typing import Annotated, Literal

from pydantic import Field

from tidegate.api.schemas import Body, Flag, GivenId
from tidegate.core.automation import (
    DEFAULT_TITLE,
    MAX_TEXT,
    TEMPLATE_FIELDS,
    Automation,
    Often,
    Trigger,
    automations_from_json,
)

FIELDS = ", ".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
PIPELINE = "The pipeline's id; required before the automation can act."
MOST_CHARACTERS = 4 * MAX_TEXT
"""What is refused outright. Texts between this and what Pipedrive takes are saved and named as a problem."""

HistoryEvent = Literal["email_replied", "email_bounced", "unsubscribed", "link_clicked", "email_opened"]
"""An event that can update the activity of a campaign e-mail."""


class CreateDeal(Body):
    """Create a deal, in the first stage of the pipeline."""

    kind: Literal["create_deal"]
    pipeline_id: GivenId | None = Field(None, description=PIPELINE)
    title: str = Field(DEFAULT_TITLE, max_length=MOST_CHARACTERS, description=f"May use {FIELDS}.")


class MoveDealToStage(Body):
    """Move the person's open deal to a stage."""

    kind: Literal["move_deal_to_stage"]
    pipeline_id: GivenId | None = Field(None, description=PIPELINE)
    stage_id: GivenId | None = Field(None, description="The stage's id, of this pipeline; required.")
    only_in_pipeline: Flag = Field(False, description="Leave deals alone that are in another pipeline.")


class MoveDealToNextStage(Body):
    """Move the person's open deal to the next stage of its own pipeline."""

    kind: Literal["move_deal_to_next_stage"]


class AddActivity(Body):
    """Add an activity that is due the same day."""

    kind: Literal["add_activity"]
    subject: str = Field(
        "", max_length=MOST_CHARACTERS, description=f"Required before it can act. May use {FIELDS}."
    )


ActionBody = Annotated[
    CreateDeal | MoveDealToStage | MoveDealToNextStage | AddActivity, Field(discriminator="kind")
]


class AutomationBody(Body):
    """What a campaign event starts in Pipedrive."""

    trigger: Trigger = Field(description="The event; one automation for each.")
    enabled: Flag = Field(True, description="Switched off it keeps its settings and does nothing.")
    often: Often = Field(Often.PER_CAMPAIGN, description="How often it may run.")
    actions: list[ActionBody] = Field(
        default_factory=list, max_length=50, description="In the order in which they run, each kind once."
    )


def automations_of(bodies: list[AutomationBody]) -> tuple[Automation, ...]:
    return automations_from_json([body.model_dump(mode="json") for body in bodies])
