"""Whom the example sentences are about: somebody who is in the workspace's lists, so that the example can be recognised."""

from uuid import UUID

from django.utils.translation import gettext as _

from tidegate.prospects.campaign_queries import newest_campaign
from tidegate.prospects.models import Prospect
from tidegate.web.setup.sentences import Example


def example_of(workspace_id: UUID) -> Example:
    """The newest prospect with a name and a company, in the newest campaign; without any, what the fields stand for."""
    campaign = newest_campaign(workspace_id)
    named = Prospect.objects.filter(workspace_id=workspace_id).exclude(first_name="").exclude(company="")
    prospect = named.order_by("-pk").first()
    return Example(
        {
            "name": prospect.name if prospect else _("First Last"),
            "first_name": prospect.first_name if prospect else _("First"),
            "last_name": prospect.last_name if prospect else _("Last"),
            "company": prospect.company if prospect else _("Company"),
            "campaign": campaign.name if campaign else _("Campaign"),
        },
        is_somebody=prospect is not None,
    )
