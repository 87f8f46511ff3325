"""Which workspace a command is about: the one it names, or the only one there is."""

from uuid import UUID

from django.core.management.base import CommandError

from tidegate.store.models import Workspace


def find_workspace(asked: str | None) -> Workspace:
    """By id or name. Raises CommandError that lists what there is."""
    every = list(Workspace.objects.order_by("created_at"))
    if asked:
        found = [item for item in every if asked in (str(item.pk), item.name) or _is_id(asked, item.pk)]
    else:
        found = every
    if len(found) == 1:
        return found[0]
    if not every:
        raise CommandError("There is no workspace yet. Open the web page and finish the first sign-in.")
    names = "\n".join(f"  {item.pk}  {item.name}" for item in every)
    wrong = f"There is no workspace “{asked}”." if asked and not found else "There are several workspaces."
    raise CommandError(f"{wrong} Choose one with --workspace:\n{names}")


def _is_id(asked: str, workspace_id: UUID) -> bool:
    try:
        return UUID(asked) == workspace_id
    except ValueError:
        return False
