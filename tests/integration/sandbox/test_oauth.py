"""OAuth from the consent form to the uninstall call."""

import base64
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.sandbox.conftest import APP, found, subscribe

CALLBACK = APP["redirect_uri"][0]
BASIC = {"Authorization": "Basic " + base64.b64encode(b"app:secret").decode()}
ASKED = {"client_id": "app", "redirect_uri": CALLBACK, "state": "s 1"}


async def consent(client, decision="allow", **more):
    """Send the consent form; the query with which the browser comes back."""
    company = client.sandbox.state.companies()[0]["id"]
    form = {**ASKED, "company": str(company), "user": "1", "decision": decision, **more}
    reply = await client.form("/oauth/authorize", form, as_={})
    assert reply.status == 303, reply.text
    return {key: values[0] for key, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


async def token(client, as_=None, **form):
    return await client.form("/oauth/token", form, as_=BASIC if as_ is None else as_)


async def install(client, **more):
    code = (await consent(client, **more))["code"]
    return (await token(client, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)).body


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_a_script_can_walk_through_the_two_pages(client):
    first = await client.get("/oauth/authorize", params=ASKED, as_={})
    company = found(r'name="company" value="(\d+)"', first.text)
    second = await client.get(
        "/oauth/authorize/consent", params={**ASKED, "company": company, "user": f"{company}:2"}, as_={}
    )

    assert "Step 1 of 2" in first.text
    assert "signed in as Tomás Ferreira, regular user" in second.text
    assert "contacts:full" in second.text
    hidden = dict(re.findall(r'type=hidden name="(\w+)" value="([^"]*)"', second.text))
    assert hidden == {**ASKED, "company": company, "user": "2"}


async def test_allowing_leads_back_with_a_code_and_the_state(client):
    back = await consent(client)

    assert back["state"] == "s 1"
    assert set(back) == {"code", "state"}


async def test_refusing_leads_back_with_an_error_and_no_code(client):
    assert await consent(client, decision="cancel") == {"error": "user_denied", "state": "s 1"}


@pytest.mark.parametrize(
    "wrong", [{"client_id": "nobody"}, {"redirect_uri": "http://127.0.0.1:1/other"}], ids=str
)
async def test_a_wrong_app_or_address_gets_a_page_and_no_redirect(client, wrong):
    reply = await client.get("/oauth/authorize", params={**ASKED, **wrong}, as_={})

    assert reply.status == 400
    assert "cannot be connected" in reply.text


async def test_the_token_answer_has_what_is_documented(client):
    tokens = await install(client)

    assert set(tokens) == {"access_token", "token_type", "refresh_token", "scope", "expires_in", "api_domain"}
    assert tokens["token_type"].lower() == "bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "base,contacts:full,deals:read,users:read,webhooks:full,search:read"
    assert tokens["api_domain"] == client.base
    assert (await client.get("/api/v2/persons", as_=bearer(tokens))).status == 200


async def test_a_code_works_once_and_for_five_minutes(client):
    code = (await consent(client))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert (await token(client, **form)).status == 200
    again = await token(client, **form)

    late = (await consent(client))["code"]
    await client.control("clock", {"advance": 301})
    expired = await token(client, **(form | {"code": late}))

    assert (again.status, again.body["error"]) == (400, "invalid_grant")
    assert again.body["error_description"] == "Invalid grant: `authorization_code` is invalid"
    assert expired.body["error_description"] == "Invalid grant: `authorization_code` has expired"


WRONG_CALLS = [
    ({}, BASIC, "Missing parameter: `grant_type`"),
    ({"grant_type": "password"}, BASIC, "Unsupported grant type: `grant_type` is invalid"),
    ({"grant_type": "refresh_token"}, {}, "Invalid client: cannot retrieve client credentials"),
    ({"grant_type": "refresh_token"}, {"Authorization": "Basic YTpi"}, "Invalid client: client is invalid"),
    (
        {"grant_type": "refresh_token", "refresh_token": "x"},
        BASIC,
        "Invalid grant: `refresh_token` is invalid",
    ),
    (
        {"grant_type": "authorization_code", "code": "x"},
        BASIC,
        "Invalid grant: `authorization_code` is invalid",
    ),
    ({"grant_type": "exchange_api_token", "api_token": "x"}, BASIC, "Invalid grant: `api_token` is invalid"),
]


@pytest.mark.parametrize(("form", "headers", "sentence"), WRONG_CALLS, ids=lambda part: str(part)[:40])
async def test_a_wrong_token_call_is_a_400_with_pipedrives_sentence(client, form, headers, sentence):
    reply = await token(client, as_=headers, **form)

    assert (reply.status, reply.body["error_description"]) == (400, sentence)


async def test_a_token_call_in_json_is_refused(client):
    reply = await client.post("/oauth/token", {"grant_type": "refresh_token"}, as_=BASIC)

    assert reply.status == 400
    assert "x-www-form-urlencoded" in reply.body["error_description"]


async def test_the_redirect_address_must_be_the_one_of_the_start(client):
    code = (await consent(client))["code"]
    form = {"grant_type": "authorization_code", "code": code}

    assert (await token(client, **form)).body["error_description"].endswith("is not a valid URI")
    other = await token(client, **form, redirect_uri="http://127.0.0.1:1/other")
    assert other.body["error_description"] == "Invalid request: `redirect_uri` is invalid"


async def test_credentials_may_stand_in_the_body(client):
    code = (await consent(client))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}

    assert (await token(client, as_={}, **form, client_id="app", client_secret="secret")).status == 200


async def test_an_access_token_lives_an_hour_and_a_refresh_brings_another(client):
    tokens = await install(client)
    await client.control("clock", {"advance": 3601})
    dead = await client.get("/v1/users/me", as_=bearer(tokens))
    renewed = (await token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])).body

    assert dead.status == 401
    assert renewed["refresh_token"] == tokens["refresh_token"]
    assert renewed["access_token"] != tokens["access_token"]
    assert (await client.get("/v1/users/me", as_=bearer(renewed))).status == 200


async def test_a_refresh_token_dies_after_sixty_idle_days(client):
    tokens = await install(client)
    await client.control("clock", {"advance": 59 * 86_400})
    assert (
        await token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    ).status == 200

    await client.control("clock", {"advance": 60 * 86_400 + 1})

    assert (
        await token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    ).status == 400


async def test_with_rotation_the_old_refresh_token_is_dead(client):
    await client.control("switches", {"rotate_refresh_token": True, "refresh_reuse_kills_install": False})
    tokens = await install(client)
    old = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    renewed = (await token(client, **old)).body

    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert (await token(client, **old)).status == 400
    assert (await client.get("/v1/users/me", as_=bearer(renewed))).status == 200


async def test_with_rotation_a_reused_refresh_token_ends_the_installation(client):
    await client.control("switches", {"rotate_refresh_token": True})
    tokens = await install(client)
    old = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = (await token(client, **old)).body

    assert (await token(client, **old)).status == 400

    assert (await client.get("/v1/users/me", as_=bearer(renewed))).status == 401
    assert await client.control("installs", method="GET") == []


async def test_an_api_token_can_be_exchanged_once(client):
    form = {"grant_type": "exchange_api_token", "api_token": client.headers["x-api-token"]}

    first, second = await token(client, **form), await token(client, **form)

    assert (await client.get("/v1/users/me", as_=bearer(first.body))).status == 200
    assert second.status == 400


async def test_scopes_are_enforced_and_can_be_withdrawn(client):
    tokens = await install(client)
    deal = await client.post("/api/v2/deals", {"title": "T"}, as_=bearer(tokens))
    await client.control("actions/withdraw_scope", {"scope": "contacts:full"})
    person = await client.get("/api/v2/persons", as_=bearer(tokens))

    assert (deal.status, deal.body["error"]) == (403, "Scope and URL mismatch")
    assert person.status == 403
    assert (await client.get("/v1/users/me", as_=bearer(tokens))).status == 200


async def test_a_scope_can_be_left_out_on_the_consent_page(client):
    tokens = await install(client, without="users:read")

    assert "users:read" not in tokens["scope"].split(",")
    assert (await client.get("/v1/users", as_=bearer(tokens))).status == 403


@pytest.mark.parametrize(
    ("choice", "scopes", "opens"),
    [
        ("either", "webhooks:full", True),
        ("admin", "webhooks:full", False),
        ("admin", "admin", True),
        ("webhooks", "admin", False),
    ],
)
async def test_which_scope_opens_webhooks_is_a_switch(client, choice, scopes, opens):
    await client.control("apps", {**APP, "scopes": scopes})
    await client.control("switches", {"webhook_scope": choice})
    tokens = await install(client)

    assert ((await client.get("/v1/webhooks", as_=bearer(tokens))).status == 200) is opens


@pytest.mark.parametrize(
    ("misbehave", "outcome"),
    [("expired_code", None), ("wrong_state", "not-the-state-you-sent"), ("no_state", None)],
)
async def test_the_consent_page_can_misbehave(client, misbehave, outcome):
    back = await consent(client, misbehave=misbehave)

    if misbehave == "expired_code":
        reply = await token(client, grant_type="authorization_code", code=back["code"], redirect_uri=CALLBACK)
        assert reply.body["error_description"] == "Invalid grant: `authorization_code` has expired"
    else:
        assert back.get("state") == outcome


async def test_pipedrive_can_be_down_right_after_the_consent(client):
    code = (await consent(client, misbehave="down"))["code"]

    assert (
        await token(client, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    ).status == 503


async def test_revoking_an_access_token_ends_only_that_one(client):
    tokens = await install(client)

    revoked = await client.form("/oauth/revoke", {"token": tokens["access_token"]}, as_=BASIC)

    assert revoked.status == 200
    assert (await client.get("/v1/users/me", as_=bearer(tokens))).status == 401
    assert (
        await token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    ).status == 200


async def test_revoking_a_refresh_token_ends_the_installation_and_its_webhooks(client, hooks):
    tokens = await install(client)
    app = type(client)(client.session, client.base, client.sandbox, bearer(tokens))
    await subscribe(app, hooks)
    own = await subscribe(client, hooks)

    assert (await client.form("/oauth/revoke", {"token": tokens["refresh_token"]}, as_=BASIC)).status == 200

    assert (await app.get("/v1/users/me")).status == 401
    assert [one["id"] for one in (await client.get("/v1/webhooks")).data] == [own["id"]]


async def test_revoking_an_unknown_token_is_fine(client):
    assert (await client.form("/oauth/revoke", {"token": "x"}, as_=BASIC)).status == 200
    assert (await client.form("/oauth/revoke", {"token": "x"}, as_={})).status == 400


async def test_an_uninstall_is_told_to_the_callback_address(client, hooks):
    await client.control("apps", {**APP, "uninstall_url": hooks.address})
    tokens = await install(client)

    ended = await client.control("actions/uninstall", {})

    company = client.sandbox.state.companies()[0]["id"]
    method, body = hooks.others[0]
    assert method == "DELETE"
    assert (body["client_id"], body["company_id"], body["user_id"]) == ("app", company, 1)
    assert "timestamp" in body
    assert hooks.authorizations == [BASIC["Authorization"]]
    assert ended[0]["app_answered"] == 200
    assert (await client.get("/v1/users/me", as_=bearer(tokens))).status == 401


async def test_expired_access_tokens_can_be_asked_for(client):
    tokens = await install(client)

    assert (await client.control("actions/expire_tokens", {}))["expired"] == 1

    assert (await client.get("/v1/users/me", as_=bearer(tokens))).status == 401


async def test_revoked_tokens_are_dead_for_good_and_signing_in_again_helps(client):
    tokens = await install(client)

    assert (await client.control("actions/revoke_tokens", {}))["revoked"] == 1
    refused = await token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert (refused.status, refused.body["error"]) == (400, "invalid_grant")
    assert (await client.get("/v1/users/me", as_=bearer(tokens))).status == 401
    again = await install(client)
    assert (await client.get("/v1/users/me", as_=bearer(again))).status == 200
