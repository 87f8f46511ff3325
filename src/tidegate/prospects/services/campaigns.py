"""Campaigns by name, before their first event tells of them."""

from django.db import IntegrityError, transaction

from tidegate.errors import Conflict, Invalid
from tidegate.prospects.authors import Author
from tidegate.prospects.models import Campaign
from tidegate.prospects.values import Unfit, clean_text
from tidegate.words import say

MAX_NAME = 200


def create_campaign(author: Author, name: str, key: str = "") -> Campaign:
    """A campaign; its name is its key where it has no other. Raises Invalid, and Conflict where the key is taken."""
    try:
        clean = clean_text(name, MAX_NAME)
        clean_key = clean_text(key, MAX_NAME) or clean
    except Unfit as error:
        raise Invalid(errors={"name": [str(error)]}) from error
    if not clean:
        raise Invalid(errors={"name": [say("A campaign needs a name.")]})
    try:
        with transaction.atomic():
            return Campaign.objects.create(workspace_id=author.workspace_id, key=clean_key, name=clean)
    except IntegrityError as error:
        raise Conflict(say("There is a campaign with the id “{id}” already.", id=clean_key)) from error
