"""Things that happen to an account from outside, on request: what a user, an admin or another app would do.

Each is a control call `POST /_sandbox/actions/NAME`. Without a company the only or first one is meant.
"""

from collections.abc import Callable
from typing import Any

from pipedrive_sandbox import fields, organizations, persons, pipelines, users
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.state import Actor

EDITABLE_OF_USER = {"name", "email", "phone", "is_admin", "permissions", "group", "active_flag"}


def account_of(sandbox: Sandbox, given: Body) -> Account:
    companies = sandbox.state.companies()
    wanted = given.get("company_id")
    chosen = [company for company in companies if wanted is None or company["id"] == int(wanted)]
    if not chosen:
        raise ValueError("There is no such company. Seed one first, or name one by company_id.")
    user = sandbox.state.records["user"].get(chosen[0]["id"], int(given.get("user_id", 1)))
    if user is None:
        raise ValueError(f"The company has no user {given.get('user_id', 1)}.")
    return Account(sandbox.state, chosen[0], user)


MOST_TOKENS = 10**12


def spend_budget(sandbox: Sandbox, given: Body) -> Body:
    """Another app spends `tokens` of the company's budget, or all that is left."""
    account = account_of(sandbox, given)
    left = sandbox.limits.remaining(account.company)
    tokens = int(given.get("tokens", left))
    if not 0 <= tokens <= MOST_TOKENS:
        raise ValueError(f"tokens is a number from 0 to {MOST_TOKENS:,}.")
    sandbox.limits.spend(account.id, tokens)
    return sandbox.limits.described(account.company)


def expire_tokens(sandbox: Sandbox, given: Body) -> Body:
    """All access tokens (or those of `install`) stop working; refresh tokens stay good."""
    install = int(given["install"]) if "install" in given else None
    return {"expired": sandbox.oauth.expire_access_tokens(install)}


def revoke_tokens(sandbox: Sandbox, given: Body) -> Body:
    """Access and refresh tokens (all, or those of `install`) are dead and the app hears nothing of it."""
    install = int(given["install"]) if "install" in given else None
    return {"revoked": sandbox.oauth.revoke_tokens(install)}


def withdraw_scope(sandbox: Sandbox, given: Body) -> Body:
    """The installations of a client lose a scope."""
    scope = given["scope"]
    touched = 0
    for install in sandbox.oauth.installs():
        if given.get("client_id") in (None, install["client_id"]):
            scopes = [name for name in install["scopes"].split(",") if name != scope]
            sandbox.oauth.set_scopes(install["id"], scopes)
            touched += 1
    return {"installs": touched}


def edit_persons(sandbox: Sandbox, given: Body) -> Body:
    """A user edits many persons at once in the list view: `ids` or the first `count`, with `changes`."""
    account = account_of(sandbox, given)
    ids = given.get("ids")
    if ids is None:
        live = account.records("person").where(account.id, persons.LIVE, limit=int(given.get("count", 100)))
        ids = [body["id"] for body in live]
    changes = persons.CHANGE.enforce(given["changes"])
    for person_id in ids:
        persons.change(account, person_id, changes, Actor(account.user_id, "app", is_bulk=True))
    return {"changed": len(ids)}


def change_person(sandbox: Sandbox, given: Body) -> Body:
    """A user edits one person in the web pages."""
    account = account_of(sandbox, given)
    changes = persons.CHANGE.enforce(given["changes"])
    return persons.shown(account, persons.change(account, int(given["id"]), changes, _web(account)))


def create_person(sandbox: Sandbox, given: Body) -> Body:
    account = account_of(sandbox, given)
    return persons.shown(
        account, persons.create(account, persons.CREATE.enforce(given["person"]), _web(account))
    )


def delete_person(sandbox: Sandbox, given: Body) -> Body:
    account = account_of(sandbox, given)
    persons.delete(account, int(given["id"]), _web(account))
    return {"deleted": int(given["id"])}


def restore_person(sandbox: Sandbox, given: Body) -> Body:
    """A user brings a deleted person back, which the API can't."""
    account = account_of(sandbox, given)
    return persons.shown(account, persons.restore(account, int(given["id"]), _web(account)))


def delete_organization(sandbox: Sandbox, given: Body) -> Body:
    account = account_of(sandbox, given)
    organizations.delete(account, int(given["id"]), _web(account))
    return {"deleted": int(given["id"])}


def change_user(sandbox: Sandbox, given: Body) -> Body:
    """An admin edits a user: name, email, phone, is_admin, permissions, group, active_flag (false deactivates)."""
    account = account_of(sandbox, given)
    records = account.records("user")
    before = records.get(account.id, int(given["id"]))
    if before is None:
        raise ValueError(f"The company has no user {given['id']}.")
    unknown = sorted(set(given["changes"]) - EDITABLE_OF_USER)
    if unknown:
        raise ValueError(
            f"A user's {unknown[0]!r} cannot be changed. Known: {', '.join(sorted(EDITABLE_OF_USER))}."
        )
    after = before | given["changes"] | {"update_time": account.now()}
    account.save("user", before, after, _web(account))
    return users.shown(account, after)


def delete_field(sandbox: Sandbox, given: Body) -> Body:
    account = account_of(sandbox, given)
    return fields.shown(fields.delete_field(account, given["entity"], given["field_code"], _web(account)))


def delete_stage(sandbox: Sandbox, given: Body) -> Body:
    account = account_of(sandbox, given)
    pipelines.remove(account, "stage", int(given["id"]), _web(account))
    return {"deleted": int(given["id"])}


def delete_pipeline(sandbox: Sandbox, given: Body) -> Body:
    account = account_of(sandbox, given)
    pipelines.remove(account, "pipeline", int(given["id"]), _web(account))
    return {"deleted": int(given["id"])}


def _web(account: Account) -> Actor:
    return Actor(account.user_id, "app")


ACTIONS: dict[str, Callable[[Sandbox, Body], Any]] = {
    action.__name__: action
    for action in (
        spend_budget,
        expire_tokens,
        revoke_tokens,
        withdraw_scope,
        edit_persons,
        change_person,
        change_user,
        create_person,
        delete_person,
        restore_person,
        delete_organization,
        delete_field,
        delete_stage,
        delete_pipeline,
    )
}
