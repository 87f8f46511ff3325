"""Who changed what in the workspace."""

from typing import Any

from ninja import Query, Router
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import Answer, GivenMoment, Id, Moment
from tidegate.store.audit import Act
from tidegate.store.models import AuditEntry

router = Router(tags=["Workspace"])


class AuditQuery(PageQuery):
    act: Act | None = Field(None, description="Only deeds of this kind.")
    since: GivenMoment | None = Field(None, description="Only what was done at this time or later.")


class AuditAnswer(Answer):
    id: Id
    at: Moment
    actor: str = Field(description="A member's name, or the API key or command that acted.")
    act: str
    subject: str = Field(description="What it was done to, by the name it had then.")
    before: dict[str, Any] = Field(description="Name -> value, of what changed. Secrets are left out.")
    after: dict[str, Any]


@router.get("", auth=needs(Scope.READ), response=Page[AuditAnswer], summary="Read the audit log")
def read_audit_log(request: ApiRequest, query: Query[AuditQuery]) -> Page[AuditAnswer]:
    """The newest first."""
    rows = AuditEntry.objects.filter(workspace=request.auth.workspace_id)
    if query.act is not None:
        rows = rows.filter(act=query.act.value)
    if query.since is not None:
        rows = rows.filter(at__gte=query.since)
    return page_of(rows, query, AuditAnswer.model_validate, order=("-pk",))
