"""What all pages of the store share: who writes, the connections, and refusals as the pages tell them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.http import Http404

from tidegate.core.connection import Status
from tidegate.errors import NotFound
from tidegate.prospects.services import Author
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest
from tidegate.wiring import actions


def author_of(request: MemberRequest) -> Author:
    return Author(request.workspace.pk, str(request.user), "page")


def connections_of(request: MemberRequest) -> list[Connection]:
    rows = Connection.objects.filter(workspace=request.workspace, disconnected_at=None)
    return list(rows.select_related("lane").order_by("created_at"))


@contextmanager
def missing_is_404() -> Iterator[None]:
    """What is not there, or is another workspace's, is a page that is not found."""
    try:
        yield
    except NotFound as error:
        raise Http404(str(error)) from error


def synced_live(connections: Iterable[Connection]) -> list[Connection]:
    """Those whose live sync is on: only they can be asked to sync somebody now."""
    return [c for c in connections if c.status in (Status.ACTIVE, Status.SYNCING)]


def sync_now(request: MemberRequest, ids: Sequence[int]) -> bool:
    """Whether there was a connection to do it."""
    live = synced_live(connections_of(request))
    for connection in live:
        actions.sync_now(connection, [str(i) for i in ids], actor=str(request.user))
    return bool(live)
