"""What all pages of the store share: who writes, the connections, and refusals as the pages tell them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import Http404

from tidegate.errors import NotFound
from tidegate.prospects.services import Author
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest


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
