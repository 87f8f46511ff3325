"""One thing that keeps a settings document from being launched."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps the connection from being launched."""

    code: str
    place: str
    """The settings key it is about, with an index or a name where there are several: `mappings.3`, `owner_id`,
    `automations.email_sent.create_deal.pipeline`."""
    message: str
