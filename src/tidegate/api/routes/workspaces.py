"""The workspace that a key belongs to, and the rules that hold in it."""

from ninja import Router
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.schemas import UNSET, Answer, Body, Flag, Id
from tidegate.wiring.oauth_only import require_oauth

router = Router(tags=["Workspace"])


class WorkspaceAnswer(Answer):
    id: Id
    name: str
    time_zone: str
    country: str
    oauth_required: bool = Field(
        description="Whether Pipedrive must be connected by signing in there; connections on a token are paused then."
    )


class WorkspaceChange(Body):
    """Only what is sent changes."""

    oauth_required: Flag = UNSET


@router.get("", auth=needs(Scope.READ), response=WorkspaceAnswer, summary="Read the workspace")
def read_workspace(request: ApiRequest) -> WorkspaceAnswer:
    return WorkspaceAnswer.model_validate(request.auth.workspace)


@router.patch("", auth=needs(Scope.ADMIN), response=WorkspaceAnswer, summary="Change the workspace's rules")
def change_workspace(request: ApiRequest, change: WorkspaceChange) -> WorkspaceAnswer:
    """`oauth_required` true pauses connections on a personal token until they are reconnected; false lets them go on."""
    workspace = request.auth.workspace
    if "oauth_required" in change.given():
        require_oauth(workspace, change.oauth_required, actor=actor(request))
    return WorkspaceAnswer.model_validate(workspace)
