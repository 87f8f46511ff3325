"""docs/sync-rules.md: what is decided about one pair, linked or not."""

from dataclasses import replace

import pytest

from tests.pairs import (
    CONSTANTS,
    OUTREACH,
    PIPEDRIVE,
    decide_linked,
    decide_unlinked,
    make_base,
    make_link,
    make_person,
    make_prospect,
    make_rules,
)
from tidegate.core.operations import Act, Decision, LinkState, Plan
from tidegate.core.planning import LIVE, Mode, Situation, Transfer, decide, finish, rules_of
from tidegate.core.records import Gone, Record, Side
from tidegate.core.settings import Direction
from tidegate.core.values import MISSING, Unreadable

ANN = ("ann@a.example",)
TO, FROM = Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE
RULES = make_rules()


def written(plan: Plan, side: Side) -> dict[str, object]:
    write = plan.write_to(side)
    return dict(write.values) if write else {}


# --- Linked (rows G and D) ---


def test_a_pair_that_agrees_is_unchanged():  # G1
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)

    plan = decide_linked(prospect, person, base, RULES)

    assert (plan.decision, plan.writes, plan.new_link) == (Decision.UNCHANGED, (), False)
    assert finish(plan, {}) == base


def test_changes_of_both_sides_are_one_write_each():  # G2
    prospect, person = make_prospect(email=ANN, first_name="Ann"), make_person(email=ANN, first_name="Ann")
    base = make_base(prospect, person, RULES)
    prospect = make_prospect(email=ANN, first_name="Anna", phone=("0171 55",))
    person = make_person(email=ANN, first_name="Ann", organization="Acme", job_title="CEO")

    plan = decide_linked(prospect, person, base, RULES)

    assert plan.decision is Decision.UPDATE
    assert [write.side for write in plan.writes] == [OUTREACH, PIPEDRIVE]
    assert written(plan, PIPEDRIVE) == {"first_name": "Anna", "phone": ("0171 55",)}
    assert written(plan, OUTREACH) == {"company": "Acme", "job_title": "CEO"}
    assert plan.reason == "Changed in both apps."


def test_a_refused_field_is_told_and_the_rest_goes_on():  # G7
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)
    prospect = make_prospect(email=ANN, heat="Lukewarm", job_title="x" * 21, first_name="Ann")

    plan = decide_linked(prospect, person, base, RULES)

    assert written(plan, PIPEDRIVE) == {"first_name": "Ann"}
    assert [refusal.message for refusal in plan.refusals] == [
        "Job title: too long: 21 of 20 characters",
        "Temperature: “Lukewarm” is not one of its options",
    ]


def test_one_unreadable_field_holds_up_no_other():  # G6
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)
    person = make_person(email=ANN, score=Unreadable("??", "not a number"), first_name="Ann")

    plan = decide_linked(prospect, person, base, RULES)

    assert written(plan, OUTREACH) == {"first_name": "Ann"}
    assert [refusal.message for refusal in plan.refusals] == ["Points: can’t be read: not a number"]


def test_both_records_of_a_link_are_looked_at():
    with pytest.raises(ValueError, match="Both records"):
        decide(Situation(make_link({}), make_prospect(), None, OUTREACH), RULES)


@pytest.mark.parametrize("mode", [LIVE, Transfer(TO, OUTREACH), Transfer(FROM, PIPEDRIVE)])
@pytest.mark.parametrize("side", Side)
def test_a_deletion_never_cascades_and_nothing_is_made_again(side: Side, mode: Mode):  # D1, D2
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)
    gone = Gone(side, "11" if side is OUTREACH else "21", deleted=True)
    left, right = (gone, person) if side is OUTREACH else (prospect, gone)

    plan = decide_linked(left, right, base, RULES, mode)
    state = LinkState.PROSPECT_GONE if side is OUTREACH else LinkState.PERSON_GONE
    again = decide_linked(left, right, base, RULES, mode, link=make_link(base, state))

    assert (plan.decision, plan.writes, plan.state) == (Decision.UNLINK, (), state)
    assert plan.base == base
    assert "deleted" in plan.reason
    assert (again.decision, again.writes, again.state) == (Decision.SKIP, (), state)


def test_a_person_that_is_not_shown_and_was_not_deleted_is_unseen():  # D6
    base = make_base(make_prospect(), make_person(), RULES)
    hidden, deleted = Gone(PIPEDRIVE, "21"), Gone(PIPEDRIVE, "21", deleted=True)

    plan = decide_linked(make_prospect(), hidden, base, RULES)
    again = decide_linked(make_prospect(), hidden, base, RULES, link=make_link(base, LinkState.PERSON_UNSEEN))
    told = decide_linked(make_prospect(), deleted, base, RULES, link=make_link(base, LinkState.PERSON_UNSEEN))

    assert (plan.decision, plan.state) == (Decision.UNLINK, LinkState.PERSON_UNSEEN)
    assert "can’t see" in plan.reason
    assert again.decision is Decision.SKIP
    assert (told.decision, told.state) == (Decision.UNLINK, LinkState.PERSON_GONE)


def test_a_deleted_person_that_pipedrive_has_forgotten_stays_deleted():  # D6
    link = make_link({}, LinkState.PERSON_GONE)

    plan = decide_linked(make_prospect(), Gone(PIPEDRIVE, "21"), {}, RULES, link=link)

    assert (plan.decision, plan.state) == (Decision.SKIP, LinkState.PERSON_GONE)


def test_a_restored_record_is_linked_again_and_brought_into_step():  # D3
    prospect, person = make_prospect(email=ANN, first_name="Ann"), make_person(email=ANN, first_name="Ann")
    base = make_base(prospect, person, RULES)
    link = make_link(base, LinkState.PERSON_GONE)

    same = decide_linked(prospect, person, base, RULES, link=link)
    changed = decide_linked(make_prospect(email=ANN, first_name="Anna"), person, base, RULES, link=link)

    assert (same.decision, same.state) == (Decision.UNCHANGED, LinkState.LINKED)
    assert "is back" in same.reason
    assert written(changed, PIPEDRIVE) == {"first_name": "Anna"}
    assert changed.state is LinkState.LINKED


def test_a_link_follows_a_merge_to_the_survivor():  # D4
    base = make_base(make_prospect(), make_person(), RULES)

    plan = decide_linked(make_prospect(), Gone(PIPEDRIVE, "21", merged_into="30"), base, RULES)

    assert (plan.decision, plan.merged_into) == (Decision.MOVE, "30")
    assert (plan.prospect_id, plan.person_id) == ("11", "30")
    assert plan.base == base
    assert not plan.writes


def test_a_merge_into_a_person_that_is_linked_already_ends_the_link():  # D5
    plan = decide_linked(make_prospect(), Gone(PIPEDRIVE, "21", merged_into="30"), {}, RULES, taken=("30",))

    assert (plan.decision, plan.state) == (Decision.UNLINK, LinkState.PERSON_GONE)
    assert plan.person_id == "21"
    assert "linked already" in plan.reason


def test_both_gone_is_told_once():  # D1, D2
    plan = decide_linked(Gone(OUTREACH, "11"), Gone(PIPEDRIVE, "21"), {}, RULES)
    again = decide_linked(
        Gone(OUTREACH, "11"), Gone(PIPEDRIVE, "21"), {}, RULES, link=make_link({}, LinkState.PROSPECT_GONE)
    )

    assert plan.decision is Decision.UNLINK
    assert again.decision is Decision.SKIP


# --- Unlinked (rows M and F) ---


def test_without_a_candidate_a_prospect_becomes_a_person():  # M6, F6
    prospect = make_prospect(email=ANN, first_name="Ann", company="Acme", phone=("0171 55",))

    plan = decide_unlinked(prospect, RULES)

    (write,) = plan.writes
    assert plan.decision is Decision.CREATE
    assert plan.new_link
    assert (write.act, write.side, write.record_id) == (Act.CREATE, PIPEDRIVE, None)
    assert write.values == {
        "first_name": "Ann",
        "email": ANN,
        "organization": "Acme",
        "phone": ("0171 55",),
    }
    assert plan.prospect_id == "11"


def test_without_a_candidate_a_person_becomes_a_prospect():  # M6, F6
    plan = decide_unlinked(make_person(email=ANN, first_name="Ann"), RULES)

    assert plan.decision is Decision.CREATE
    assert written(plan, OUTREACH) == {"first_name": "Ann", "email": ANN}
    assert plan.person_id == "21"


def test_a_value_that_does_not_fit_is_left_out_of_a_create():  # F6, G7
    plan = decide_unlinked(make_prospect(email=ANN, heat="Lukewarm"), RULES)

    assert written(plan, PIPEDRIVE) == {"email": ANN}
    assert len(plan.refusals) == 1


def test_exactly_one_candidate_is_linked():  # M4
    person = make_person(email=("other@a.example", *ANN), first_name="Ann")

    plan = decide_unlinked(make_prospect(email=ANN), RULES, candidates=(person,))

    assert plan.new_link
    assert (plan.prospect_id, plan.person_id) == ("11", "21")
    assert plan.decision is Decision.UPDATE
    assert written(plan, OUTREACH)["first_name"] == "Ann"
    assert plan.reason == "Both have the address ann@a.example."


def test_two_that_agree_already_are_only_linked():  # M4, F1
    plan = decide_unlinked(make_prospect(email=ANN), RULES, candidates=(make_person(email=ANN),))

    assert (plan.decision, plan.new_link, plan.writes) == (Decision.UNCHANGED, True, ())


def test_a_candidate_that_shares_no_address_after_all_is_none():  # M1
    plan = decide_unlinked(
        make_prospect(email=ANN), RULES, candidates=(make_person(email=("joann@a.example",)),)
    )

    assert plan.decision is Decision.CREATE


def test_of_several_candidates_nobody_is_guessed():  # M5
    twins = (make_person("21", email=ANN), make_person("22", email=ANN))

    plan = decide_unlinked(make_prospect(email=ANN), RULES, candidates=twins)

    assert (plan.decision, plan.writes, plan.new_link) == (Decision.ASK, (), False)
    assert (plan.candidates, plan.candidates_side) == (("21", "22"), PIPEDRIVE)
    assert plan.reason == "2 persons have the same e-mail address."


def test_a_candidate_linked_to_somebody_else_is_asked_about():  # M5
    alone = decide_unlinked(make_person(email=ANN), RULES, taken=("11",))
    beside = decide_unlinked(
        make_person(email=ANN), RULES, candidates=(make_prospect("12", email=ANN),), taken=("11",)
    )

    assert (alone.decision, alone.candidates, alone.candidates_side) == (Decision.ASK, ("11",), OUTREACH)
    assert alone.reason == "The prospect with the same e-mail address is linked to another person."
    assert beside.candidates == ("12", "11")


def test_two_that_a_person_has_paired_are_linked_whatever_their_addresses():  # M9
    situation = Situation(
        None, make_prospect(email=ANN), make_person(first_name="Ann"), PIPEDRIVE, taken=("12",)
    )

    plan = decide(situation, RULES)

    assert plan.new_link
    assert plan.reason == "Linked by hand."
    assert written(plan, PIPEDRIVE) == {"email": ANN}


def test_a_record_that_is_gone_meanwhile_is_skipped():
    plan = decide_unlinked(Gone(OUTREACH, "11"), RULES)

    assert (plan.decision, plan.reason) == (Decision.SKIP, "The prospect is no longer there.")


@pytest.mark.parametrize(
    ("origin", "rules", "reason"),
    [
        (make_prospect(), make_rules(), "It has no e-mail address, and only records with one are synced."),
        (
            make_person(email=("none",)),
            make_rules(),
            "It has no e-mail address, and only records with one are synced.",
        ),
        (make_prospect(email=ANN), make_rules(FROM), "Data flows only to the outreach app."),
        (make_person(email=ANN), make_rules(TO), "Data flows only to Pipedrive."),
        (
            make_prospect(email=ANN),
            make_rules(sync_from_lists=("2",)),
            "It is in none of the lists that are synced.",
        ),
    ],
)
def test_what_the_settings_do_not_admit_is_left_alone(origin: Record, rules, reason):  # M7
    candidate = (make_person(email=ANN),) if origin.side is OUTREACH else (make_prospect(email=ANN),)

    plan = decide_unlinked(origin, rules, candidates=candidate)

    assert (plan.decision, plan.reason, plan.writes, plan.new_link) == (Decision.SKIP, reason, (), False)


def test_what_the_engine_bars_is_left_alone():  # M7
    plan = decide_unlinked(make_person(email=ANN), RULES, barred="It is outside the Pipedrive filter.")

    assert (plan.decision, plan.reason) == (Decision.SKIP, "It is outside the Pipedrive filter.")


def test_without_an_address_a_record_travels_where_the_settings_say_so():  # M7
    plan = decide_unlinked(make_prospect(first_name="Ann"), make_rules(only_with_email=False))

    assert plan.decision is Decision.CREATE


def test_a_chosen_list_admits_its_prospects():  # M7
    assert (
        decide_unlinked(make_prospect(email=ANN), make_rules(sync_from_lists=("1",))).decision
        is Decision.CREATE
    )


# --- Constants (rows K) ---


@pytest.mark.parametrize(
    ("origin", "side", "field", "value"),
    [
        (make_prospect(email=ANN), PIPEDRIVE, "source40", "from campaigns"),
        (make_person(email=ANN), OUTREACH, "custom.origin", "from Pipedrive"),
    ],
)
def test_a_created_record_gets_the_constants_of_its_side(
    origin: Record, side: Side, field: str, value: str
):  # K1
    plan = decide_unlinked(origin, make_rules(constants=CONSTANTS))

    assert written(plan, side) == {"email": ANN, field: value}


def test_real_time_updates_leave_constants_alone():  # K3
    rules = make_rules(constants=CONSTANTS)
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, rules)

    changed = decide_linked(make_prospect(email=ANN, first_name="Ann"), person, base, rules)

    assert written(changed, PIPEDRIVE) == {"first_name": "Ann"}


@pytest.mark.parametrize("source", list(Side))
def test_a_transfer_writes_the_constant_of_its_target_once(source: Side):  # K2
    rules = make_rules(constants=CONSTANTS)
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, rules)
    mode = Transfer(TO, source)

    first = decide_linked(prospect, person, base, rules, mode)
    second = decide_linked(prospect, make_person(email=ANN, source="from campaigns"), base, rules, mode)

    assert written(first, PIPEDRIVE) == {"source40": "from campaigns"}
    assert second.decision is Decision.UNCHANGED


def test_a_constant_reaches_a_duplicate_in_the_target_also_where_that_is_the_source_app():  # K2
    rules = make_rules(constants=CONSTANTS)
    prospect, person = make_prospect(email=ANN, job_title="CEO"), make_person(email=ANN, job_title="Chair")

    plan = decide_unlinked(prospect, rules, Transfer(TO, PIPEDRIVE), candidates=(person,))

    assert written(plan, PIPEDRIVE) == {"source40": "from campaigns"}
    assert written(plan, OUTREACH) == {"job_title": "Chair"}


@pytest.mark.parametrize("shown", [MISSING, Unreadable("?", "odd")])
def test_a_constant_is_not_written_to_what_is_not_shown(shown):  # K4
    rules = make_rules(constants=CONSTANTS)
    prospect, person = make_prospect(email=ANN), make_person(email=ANN, source=shown)

    plan = decide_linked(prospect, person, make_base(prospect, person, rules), rules, Transfer(TO, OUTREACH))

    assert plan.decision is Decision.UNCHANGED


def test_a_constant_that_does_not_fit_any_more_is_told():  # K4
    constant = replace(CONSTANTS[1], value="x" * 31)

    plan = decide_unlinked(make_prospect(email=ANN), make_rules(constants=(constant,)))

    assert written(plan, PIPEDRIVE) == {"email": ANN}
    assert [refusal.message for refusal in plan.refusals] == ["Source: too long: 31 of 30 characters"]


# --- Transfers (rows T) ---


def test_a_transfer_goes_also_against_a_one_way_connection():  # T1
    plan = decide_unlinked(make_person(email=ANN), make_rules(TO), Transfer(FROM, PIPEDRIVE))

    assert plan.decision is Decision.CREATE
    assert written(plan, OUTREACH) == {"email": ANN}


def test_a_transfer_takes_only_what_the_settings_admit():  # T1
    rules = make_rules(sync_from_lists=("2",))

    assert decide_unlinked(make_prospect(email=ANN), rules, Transfer(TO, OUTREACH)).decision is Decision.SKIP


@pytest.mark.parametrize(
    ("direction", "mode", "writes"),
    [
        (Direction.TWO_WAY, Transfer(TO, OUTREACH), {PIPEDRIVE}),
        (Direction.TWO_WAY, Transfer(TO, PIPEDRIVE), {OUTREACH}),
        (Direction.TWO_WAY, Transfer(FROM, PIPEDRIVE), {OUTREACH}),
        (Direction.TWO_WAY, Transfer(FROM, OUTREACH), {PIPEDRIVE}),
        (TO, Transfer(TO, OUTREACH), {PIPEDRIVE}),
        (TO, Transfer(TO, PIPEDRIVE), set()),
        (TO, Transfer(FROM, PIPEDRIVE), {OUTREACH}),
        (TO, Transfer(FROM, OUTREACH), {PIPEDRIVE}),
        (FROM, Transfer(FROM, PIPEDRIVE), {OUTREACH}),
        (FROM, Transfer(FROM, OUTREACH), set()),
        (FROM, Transfer(TO, OUTREACH), {PIPEDRIVE}),
        (FROM, Transfer(TO, PIPEDRIVE), {OUTREACH}),
    ],
)
@pytest.mark.parametrize("linked", [True, False])
def test_a_transfer_writes_to_its_target_or_where_the_connection_flows(direction, mode, writes, linked):  # T5
    rules = make_rules(direction)
    prospect = make_prospect(email=ANN, first_name="Anna", job_title="CEO")
    person = make_person(email=ANN, first_name="Ann", organization="Acme")
    if linked:
        plan = decide_linked(prospect, person, {}, rules, mode)
    else:
        plan = decide_unlinked(prospect, rules, Transfer(TO, mode.source_app), candidates=(person,))
        if mode.direction is not TO:
            plan = decide_unlinked(person, rules, mode, candidates=(prospect,))

    assert {write.side for write in plan.writes} == writes


def test_both_values_of_a_transfers_conflict_are_kept():  # T2
    prospect, person = make_prospect(email=ANN, first_name="Anna"), make_person(email=ANN, first_name="Ann")

    plan = decide_unlinked(prospect, RULES, Transfer(TO, OUTREACH), candidates=(person,))

    ((change,),) = [write.changes for write in plan.writes]
    assert (change.before, change.after, change.lost, change.conflict) == ("Ann", "Anna", "Ann", True)


# --- Afterwards (rows B) ---


def test_what_the_write_returned_is_that_sides_base():  # B1
    prospect = make_prospect(email=ANN, first_name="ann", phone=("0171 55",))
    plan = decide_unlinked(prospect, RULES)

    base = finish(plan, {PIPEDRIVE: make_person(email=ANN, first_name="Ann", phone=("+49 171 55",))})

    assert base["first_name=first_name"] == ("ann", "Ann")
    assert base["phone=phone"] == (("0171 55",), ("+49 171 55",))


def test_what_an_app_fills_in_by_itself_on_a_create_does_not_come_back():  # B2
    """Pipedrive needs a name, so an address may stand in for it: it must not become the prospect's name."""
    prospect = make_prospect(email=ANN)
    plan = decide_unlinked(prospect, RULES)
    person = make_person(email=ANN, first_name="ann@a.example")

    base = finish(plan, {PIPEDRIVE: person})

    assert base["first_name=first_name"] == (None, "ann@a.example")
    assert decide_linked(prospect, person, base, RULES).decision is Decision.UNCHANGED


def test_a_colleagues_edit_during_our_update_is_not_taken_for_agreed():  # B3
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)
    prospect = make_prospect(email=ANN, first_name="Ann")
    plan = decide_linked(prospect, person, base, RULES)
    answer = make_person(email=ANN, first_name="Ann", job_title="CEO")

    after = finish(plan, {PIPEDRIVE: answer})

    assert after["job_title=job_title"] == (None, None)
    assert written(decide_linked(prospect, answer, after, RULES), OUTREACH) == {"job_title": "CEO"}


def test_an_answer_that_does_not_show_the_field_counts_as_what_we_sent():  # B1
    prospect = make_prospect(email=ANN, company="Acme")
    plan = decide_unlinked(prospect, RULES)
    answer = make_person(email=ANN, organization=MISSING)

    assert finish(plan, {PIPEDRIVE: answer})["company=organization"] == ("Acme", "Acme")


@pytest.mark.parametrize("done", [OUTREACH, PIPEDRIVE])
def test_when_one_of_two_writes_fails_the_other_ones_fields_are_remembered(done: Side):  # B4
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)
    prospect = make_prospect(email=("ann@a.example", "ann@b.example"), first_name="Ann")
    person = make_person(email=("ann@a.example", "ann@c.example"), job_title="CEO")
    plan = decide_linked(prospect, person, base, RULES)
    assert len(plan.writes) == 2

    write = plan.write_to(done)
    assert write is not None
    seen = prospect if done is OUTREACH else person
    answer = replace(seen, values={**seen.values, **write.values})
    after = finish(plan, {done: answer})
    now = (answer, person) if done is OUTREACH else (prospect, answer)
    again = decide_linked(*now, after, RULES)

    assert {w.side for w in again.writes} == {done.other}
    assert written(again, done.other) == written(plan, done.other)


def test_nothing_done_means_nothing_is_remembered_as_done():  # G8
    prospect, person = make_prospect(email=ANN), make_person(email=ANN)
    base = make_base(prospect, person, RULES)
    plan = decide_linked(make_prospect(email=ANN, first_name="Ann"), person, base, RULES)

    assert finish(plan, {}) == base


def test_a_refused_field_travels_once_it_fits():  # G7
    """The option was added in Pipedrive, and the record is retried: nothing has to be edited."""
    prospect = make_prospect(email=ANN, heat="Lukewarm")
    plan = decide_unlinked(prospect, RULES)
    person = make_person(email=ANN)
    base = finish(plan, {PIPEDRIVE: person})
    heat = next(pair for pair in RULES.pairs if pair.key == "custom.heat=heat40")
    mended = replace(heat, pipedrive=replace(heat.pipedrive, options=heat.outreach.options))
    rules = replace(RULES, pairs=tuple(mended if pair is heat else pair for pair in RULES.pairs))

    again = decide_linked(prospect, person, base, rules)

    assert written(again, PIPEDRIVE) == {"heat40": "Lukewarm"}


def test_a_mapping_whose_field_is_gone_sleeps():
    rules = make_rules()
    gone = replace(rules.pipedrive, fields=tuple(f for f in rules.pipedrive.fields if f.key != "heat40"))

    asleep = rules_of(rules.settings, rules.outreach, gone)
    plan = decide_unlinked(make_prospect(email=ANN, heat="Hot"), asleep)

    assert len(asleep.pairs) == len(rules.pairs) - 1
    assert written(plan, PIPEDRIVE) == {"email": ANN}
    assert not plan.refusals
