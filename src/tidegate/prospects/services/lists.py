"""Lists, and who is in them. Being put into a list or taken out of it is a change of the prospect."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.prospects.authors import Author, announce
from tidegate.prospects.models import Prospect, ProspectList
from tidegate.prospects.services.saving import add_memberships
from tidegate.prospects.signals import lists_changed
from tidegate.prospects.values import Unfit, clean_text
from tidegate.words import say


@transaction.atomic
def create_list(author: Author, name: str) -> ProspectList:
    """Raises Invalid, and Conflict where there is one of this name."""
    name = _checked_name(author.workspace_id, name)
    made, is_new = ProspectList.objects.get_or_create(workspace_id=author.workspace_id, name=name)
    if not is_new:
        raise Conflict(say("There is a list named “{name}” already.", name=name))
    lists_changed.send(sender=ProspectList, workspace_id=author.workspace_id)
    return made


@transaction.atomic
def get_or_create_lists(author: Author, names: Iterable[str]) -> dict[str, ProspectList]:
    """The lists of these names, made where they are not there. Names count without case and surrounding space."""
    by_key = {
        item.name.casefold(): item for item in ProspectList.objects.filter(workspace_id=author.workspace_id)
    }
    found = {}
    for name in names:
        clean = _clean_name(name)
        if clean.casefold() not in by_key:
            by_key[clean.casefold()] = create_list(author, clean)
        found[name] = by_key[clean.casefold()]
    return found


@transaction.atomic
def rename_list(author: Author, list_id: int, name: str) -> ProspectList:
    """Raises NotFound, Invalid, Conflict."""
    found = _get_locked(author.workspace_id, list_id)
    name = _checked_name(author.workspace_id, name, besides=list_id)
    if found.name != name:
        found.name = name
        found.save(update_fields=["name"])
        lists_changed.send(sender=ProspectList, workspace_id=author.workspace_id)
    return found


@transaction.atomic
def delete_list(author: Author, list_id: int) -> None:
    """The list alone; its prospects stay. Raises NotFound."""
    _get_locked(author.workspace_id, list_id).delete()
    lists_changed.send(sender=ProspectList, workspace_id=author.workspace_id)


@transaction.atomic
def add_to_list(author: Author, list_id: int, prospect_ids: Collection[int]) -> list[int]:
    """Who was not in it before. Ids that are not of this workspace are passed over. Raises NotFound."""
    found = _get_locked(author.workspace_id, list_id)
    ids = Prospect.objects.filter(workspace_id=author.workspace_id, pk__in=prospect_ids)
    added = sorted(add_memberships([(pk, found.pk) for pk in ids.values_list("pk", flat=True)]))
    announce(author, "change", added)
    return added


@transaction.atomic
def remove_from_list(author: Author, list_id: int, prospect_ids: Collection[int]) -> list[int]:
    """Who was in it. Raises NotFound."""
    found = _get_locked(author.workspace_id, list_id)
    rows = Prospect.lists.through.objects.filter(prospectlist_id=found.pk, prospect_id__in=prospect_ids)
    removed = sorted(rows.values_list("prospect_id", flat=True))
    rows.delete()
    announce(author, "change", removed)
    return removed


def list_numbers(ids: Iterable[int | str]) -> list[int]:
    """The ids of lists as numbers; what can't be one of ours becomes a number that no list has."""
    return [int(item) if item.isdecimal() and len(item) < 19 else 0 for item in map(str, ids)]


def _get_locked(workspace_id: UUID, list_id: int) -> ProspectList:
    rows = ProspectList.objects.select_for_update(no_key=True)
    found = rows.filter(workspace_id=workspace_id, pk=list_id).first()
    if found is None:
        raise NotFound(say("There is no such list. It may have been deleted."))
    return found


def _clean_name(name: str) -> str:
    try:
        clean = clean_text(name, ProspectList._meta.get_field("name").max_length or 100)
    except Unfit as error:
        raise Invalid(str(error), errors={"name": [str(error)]}) from error
    if not clean:
        raise Invalid(say("A list needs a name."), errors={"name": [say("A list needs a name.")]})
    return clean


def _checked_name(workspace_id: UUID, name: str, *, besides: int | None = None) -> str:
    clean = _clean_name(name)
    others = ProspectList.objects.filter(~Q(pk=besides), workspace_id=workspace_id, name__iexact=clean)
    if others.exists():
        raise Conflict(say("There is a list named “{name}” already.", name=clean))
    return clean
