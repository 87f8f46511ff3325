"""Lists and custom fields."""

import pytest

from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.prospects.models import CustomField, FieldType, Prospect, ProspectList
from tidegate.prospects.services import (
    add_to_list,
    change_field,
    create_field,
    create_list,
    create_prospect,
    delete_field,
    delete_list,
    get_or_create_lists,
    remove_from_list,
    rename_list,
)


def make(author, name="ann", **raw):
    return create_prospect(author, {"email": f"{name}@example.com", **raw}).prospect.pk


def test_lists_are_made_renamed_and_deleted_and_each_time_announced(author, announced):
    made = create_list(author, "  Nordic   founders ")
    rename_list(author, made.pk, "Founders")
    rename_list(author, made.pk, "Founders")
    delete_list(author, made.pk)

    assert made.name == "Nordic founders"
    assert announced.lists == 3
    assert not ProspectList.objects.exists()


def test_two_lists_never_share_a_name(author, stranger):
    first = create_list(author, "Founders")
    other = create_list(author, "Customers")

    with pytest.raises(Conflict):
        create_list(author, " founders")
    with pytest.raises(Conflict):
        rename_list(author, other.pk, "FOUNDERS")
    rename_list(author, first.pk, "founders")
    create_list(stranger, "Founders")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b"])
def test_a_list_needs_a_name_that_can_be_kept(author, name):
    with pytest.raises(Invalid) as refusal:
        create_list(author, name)

    assert "name" in refusal.value.errors


def test_deleting_a_list_keeps_its_prospects(author):
    list_id = create_list(author, "Founders").pk
    prospect_id = make(author)
    add_to_list(author, list_id, [prospect_id])

    delete_list(author, list_id)

    assert Prospect.objects.filter(pk=prospect_id).exists()


def test_only_who_really_came_or_went_is_announced(author, announced):
    list_id = create_list(author, "Founders").pk
    ann, bob, cleo = make(author, "ann"), make(author, "bob"), make(author, "cleo")
    add_to_list(author, list_id, [ann])
    announced.forget()

    assert add_to_list(author, list_id, [ann, bob, 987654321]) == [bob]
    assert remove_from_list(author, list_id, [ann, cleo]) == [ann]
    assert remove_from_list(author, list_id, [ann]) == []

    assert announced.changes == [("change", [bob]), ("change", [ann])]


def test_another_workspaces_list_is_not_there(author, stranger):
    theirs = create_list(stranger, "Theirs").pk
    mine = make(author)

    for deed in (
        lambda: add_to_list(author, theirs, [mine]),
        lambda: remove_from_list(author, theirs, [mine]),
        lambda: rename_list(author, theirs, "Mine"),
        lambda: delete_list(author, theirs),
    ):
        with pytest.raises(NotFound):
            deed()
    assert ProspectList.objects.get(pk=theirs).name == "Theirs"


def test_another_workspaces_prospect_never_enters_a_list(author, stranger):
    list_id = create_list(author, "Founders").pk
    theirs = make(stranger)

    assert add_to_list(author, list_id, [theirs]) == []


def test_lists_of_a_file_are_found_by_name_or_made(author):
    known = create_list(author, "Founders")

    found = get_or_create_lists(author, ["founders", " New  one", "new one"])

    assert found["founders"].pk == known.pk
    assert found[" New  one"].pk == found["new one"].pk
    assert ProspectList.objects.count() == 2


def test_a_field_keeps_its_key_through_every_new_name(author, announced):
    made = create_field(author, "Größe (Team)", "number")

    renamed = change_field(author, made.key, name="Headcount")

    assert made.key == renamed.key == "grosse_team"
    assert create_field(author, "Größe, Team", "text").key == "grosse_team_2"
    assert announced.lists == 3


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_field_needs_a_name_that_can_be_kept(author, name):
    with pytest.raises(Invalid):
        create_field(author, name, "text")


@pytest.mark.parametrize("name", ["Company", "E-mail", "size "])
def test_two_fields_never_share_a_name(author, name):
    create_field(author, "Size", "text")

    with pytest.raises(Conflict):
        create_field(author, name, "text")


def test_an_unknown_type_is_refused(author):
    with pytest.raises(Invalid) as refusal:
        create_field(author, "Mood", "feeling")

    assert "type" in refusal.value.errors


@pytest.mark.parametrize(
    "options", [["Blue", "blue "], ["a;b"], ["x" * 201], [f"{n}" for n in range(1001)]], ids=["twice", ";", "long", "many"]
)  # fmt: skip
def test_options_that_can_not_be_told_apart_or_kept_are_refused(author, options):
    with pytest.raises(Invalid) as refusal:
        create_field(author, "Colour", "option", options)

    assert "options" in refusal.value.errors


def test_only_option_fields_have_options(author):
    with pytest.raises(Invalid):
        create_field(author, "Size", "number", ["1"])


@pytest.mark.parametrize(("field_type", "held", "after"), [("option", "Blue", "Navy"), ("options", ["Red", "Blue"], ["Red", "Navy"])])  # fmt: skip
def test_a_renamed_option_goes_on_in_every_prospect_that_has_it(author, announced, field_type, held, after):
    create_field(author, "Colour", field_type, ["Red", "Blue"])
    has = make(author, "ann", custom={"colour": held})
    make(author, "bob", custom={"colour": "Red"})
    announced.forget()

    change_field(author, "colour", renames={"blue": "Navy"})

    assert CustomField.objects.get().options == ["Red", "Navy"]
    assert Prospect.objects.get(pk=has).custom == {"colour": after}
    assert announced.changes == [("change", [has])]


def test_an_option_in_use_can_not_be_left_out(author):
    create_field(author, "Colour", "option", ["Red", "Blue", "Green"])
    make(author, "ann", custom={"colour": "Blue"})

    with pytest.raises(Invalid, match="1 prospect has “Blue”"):
        change_field(author, "colour", options=["Red", "Green"])
    change_field(author, "colour", options=["Blue", "Red"])

    assert CustomField.objects.get().options == ["Blue", "Red"]


def test_a_deleted_field_takes_its_values_along(author, stranger, announced):
    for who in (author, stranger):
        create_field(who, "Size", "number")
    mine = make(author, "ann", custom={"size": 5})
    theirs = make(stranger, "ann", custom={"size": 5})

    delete_field(author, "size")

    assert Prospect.objects.get(pk=mine).custom == {}
    assert Prospect.objects.get(pk=theirs).custom == {"size": "5"}
    with pytest.raises(NotFound):
        delete_field(author, "size")


def test_every_type_can_be_made(author):
    for field_type in FieldType:
        create_field(author, f"A {field_type.label}", field_type.value)

    assert CustomField.objects.count() == len(FieldType)
