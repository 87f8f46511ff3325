"""Many cases of Needs attention at once, through the API as it ships."""

from tests.builders import make_attention, make_connection
from tests.integration.api.conftest import Caller
from tidegate.store.models import Attention, Change, Workspace


def test_all_of_a_kind_are_tried_again(alice: Caller, workspace: Workspace) -> None:
    live = make_connection(workspace)
    for number in range(3):
        make_attention(live, kind="invalid", prospect_id=str(number))
    make_attention(live, kind="gone", prospect_id="9")

    assert alice.ok("POST", f"/connections/{live.pk}/attention/retry", {"kind": "invalid"}) == {"count": 3}

    looked_at = Change.objects.filter(connection=live, source="retry").values_list("record_id", flat=True)
    assert sorted(looked_at) == ["0", "1", "2"]


def test_all_of_a_kind_are_left_alone(alice: Caller, workspace: Workspace) -> None:
    live = make_connection(workspace)
    make_attention(live, kind="invalid", prospect_id="1")
    make_attention(live, kind="gone", prospect_id="2")

    assert alice.ok("POST", f"/connections/{live.pk}/attention/ignore", {"kind": "gone"}) == {"count": 1}

    assert Attention.objects.get(settled_at=None).kind == "invalid"


def test_without_a_kind_every_open_case_is_meant(alice: Caller, workspace: Workspace) -> None:
    live = make_connection(workspace)
    make_attention(live, kind="invalid", prospect_id="1")
    make_attention(live, kind="gone", prospect_id="2")

    assert alice.ok("POST", f"/connections/{live.pk}/attention/ignore") == {"count": 2}


def test_another_workspace_finds_nothing(charlie: Caller, workspace: Workspace) -> None:
    live = make_connection(workspace)

    charlie.problem(404, "POST", f"/connections/{live.pk}/attention/retry")
