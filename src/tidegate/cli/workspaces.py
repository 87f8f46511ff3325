"""Which workspace or connection a command means, by name or because there is only one."""

from django.core.management.base import CommandError, CommandParser

from tidegate.store.models import Connection, Workspace


def add_workspace_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--workspace", metavar="NAME", help="its name or id; not needed when there is only one"
    )


def choose_workspace(name: str | None) -> Workspace:
    workspaces = list(Workspace.objects.order_by("name"))
    found = [w for w in workspaces if name in (None, w.name, str(w.pk))]
    if len(found) == 1:
        return found[0]
    if not workspaces:
        raise CommandError("There is no workspace yet. Open the pages and create one first.")
    names = ", ".join(f"“{w.name}”" for w in workspaces)
    raise CommandError(f"Say which workspace by --workspace: {names}.")


def add_connection_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--connection", metavar="ID", help="its id or company; not needed when there is only one"
    )


def choose_connection(name: str | None) -> Connection:
    connections = list(Connection.objects.filter(disconnected_at__isnull=True).order_by("company_name"))
    found = [c for c in connections if name in (None, str(c.pk), c.company_name, c.company_domain)]
    if len(found) == 1:
        return found[0]
    if not connections:
        raise CommandError("There is no connection yet. Connect Pipedrive on the Integrations page first.")
    names = ", ".join(f"{c.pk} ({c.company_name})" for c in connections)
    raise CommandError(f"Say which connection by --connection: {names}.")
