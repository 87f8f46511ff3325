"""Who may see a record and what a user may do."""

from tests.unit.sandbox.conftest import data, error


def lead_of(ask, **given):
    return data(ask("POST", "/v1/leads", {"title": "T", "person_id": 1, **given}))["id"]


def test_what_the_company_shares_everybody_may_see_and_a_private_record_its_owner_and_admins(ask):
    for path, title in (("persons", "name"), ("organizations", "name"), ("deals", "title")):
        shared = data(ask("POST", f"/api/v2/{path}", {title: "Shared"}))["id"]
        private = data(ask("POST", f"/api/v2/{path}", {title: "Mine", "visible_to": 1, "owner_id": 3}))["id"]

        assert data(ask("GET", f"/v1/{path}/{shared}/permittedUsers")) == [1, 2, 3]
        assert data(ask("GET", f"/v1/{path}/{private}/permittedUsers")) == [1, 3]
        assert ask("GET", f"/v1/{path}/{private}/permittedUsers", user=2).status == 404


def test_a_lead_tells_it_too(ask):
    assert data(ask("GET", f"/v1/leads/{lead_of(ask)}/permittedUsers")) == [1, 2, 3]
    assert data(ask("GET", f"/v1/leads/{lead_of(ask, visible_to='1')}/permittedUsers")) == [1]
    assert error(ask("GET", "/v1/leads/nonsense/permittedUsers")) == "requested lead not found"


def test_an_admin_may_what_a_regular_user_may_not(ask):
    admin = data(ask("GET", "/v1/users/1/permissions"))
    regular = data(ask("GET", "/v1/users/2/permissions"))

    assert admin.keys() == regular.keys()
    assert {name for name in admin if admin[name] and not regular[name]} >= {
        "can_add_custom_fields",
        "can_delete_deals",
        "can_see_company_wide_statistics",
    }
    assert regular["can_use_api"] and regular["can_merge_people"]
    assert ask("GET", "/v1/users/99/permissions").status == 404
