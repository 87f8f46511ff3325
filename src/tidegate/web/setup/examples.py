"""Whom the example sentences are about: somebody who is in the workspace's lists, so that the example can be recognised."""

from uuid import UUID

from django.utils.translation import gettext as _

from tidegate.prospects.models import Prospect
from tidegate.web.setup.sentences import Example


def example_of(workspace_id: UUID) -> Example:
    """The newest prospect with a name and a company; without any, what the fields stand for."""
    named = Prospect.objects.filter(workspace_id=workspace_id).exclude(first_name="").exclude(company="")
    prospect = named.order_by("-pk").first()
    if prospect is None:
        return Example(
            {
                "name": _("First Last"),
                "first_name": _("First"),
                "last_name": _("Last"),
                "company": _("Company"),
                "campaign": _("Campaign"),
            }
        )
    return Example(
        {
            "name": prospect.name,
            "first_name": prospect.first_name,
            "last_name": prospect.last_name,
            "company": prospect.company,
            "campaign": _("Campaign"),
        }
    )
