"""docs/sync-rules.md, "Transfer": whoever is left out, the preview says what can be done about it."""

import pytest

from tests.pairs import decide_linked, decide_unlinked, make_person, make_prospect, make_rules
from tidegate.core.advice import advice
from tidegate.core.operations import Decision, Plan
from tidegate.core.planning import Transfer
from tidegate.core.records import Gone, Side
from tidegate.core.settings import Direction

ANN = ("ann@a.example",)
TO = Transfer(Direction.TO_PIPEDRIVE, Side.OUTREACH)
FROM = Transfer(Direction.FROM_PIPEDRIVE, Side.PIPEDRIVE)
RULES = make_rules()
TWINS = (make_person("21", email=ANN), make_person("22", email=ANN))
SAME = (make_prospect("11", email=ANN), make_prospect("12", email=ANN))
GONE, HIDDEN = Gone(Side.PIPEDRIVE, "21", deleted=True), Gone(Side.PIPEDRIVE, "21")
ELSEWHERE = make_rules(sync_from_lists=("2",))


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (decide_unlinked(make_prospect(), RULES, TO), "Add one, or switch off"),
        (decide_unlinked(make_prospect(email=ANN), ELSEWHERE, TO), "into one of these lists"),
        (decide_unlinked(make_prospect(email=ANN), RULES, TO, candidates=TWINS), "Merge them in Pipedrive"),
        (decide_unlinked(make_person(email=ANN), RULES, FROM, candidates=SAME), "all but one of them"),
        (decide_unlinked(make_prospect(email=ANN), RULES, TO, taken=("21",)), "delete or merge one of them"),
        (decide_linked(make_prospect(), GONE, {}, RULES, TO), "restore them there"),
        (decide_linked(make_prospect(), HIDDEN, {}, RULES, TO), "visible to the connected user"),
    ],
)
def test_every_reason_to_leave_somebody_out_has_its_advice(plan: Plan, words: str):
    assert plan.decision in (Decision.SKIP, Decision.ASK, Decision.UNLINK)
    assert words in advice(plan.reason)


def test_where_nothing_can_be_done_nothing_is_advised():
    assert advice("The prospect is no longer there.") == ""
    assert advice("") == ""
