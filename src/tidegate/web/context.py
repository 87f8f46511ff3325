"""What every page of the shell knows: the workspace, the member's role, the connections, what needs attention."""

from typing import Any

from django.http import HttpRequest

from tidegate.store.models import Attention, Connection, Membership

THEMES = ("system", "light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Empty for visitors and for programs; else what the rail shows."""
    theme = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else "system", "host": request.get_host()}
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return context
    connections = list(
        Connection.objects.filter(workspace_id=membership.workspace_id, disconnected_at=None).order_by(
            "created_at"
        )
    )
    shown = current_connection(request, connections)
    return {
        **context,
        "workspace": membership.workspace,
        "membership": membership,
        "workspaces": Membership.objects.filter(user_id=membership.user_id)
        .select_related("workspace")
        .order_by("pk"),
        "connections": connections,
        "rail_connection": shown,
        "attention_count": Attention.objects.filter(connection=shown, settled_at=None).count()
        if shown
        else 0,
    }


def current_connection(request: HttpRequest, connections: list[Connection]) -> Connection | None:
    """The connection the rail leads to: the one this page is about, else the first."""
    match = request.resolver_match
    wanted = match.kwargs.get("connection_id") if match else None
    return next((c for c in connections if c.pk == wanted), connections[0] if connections else None)
