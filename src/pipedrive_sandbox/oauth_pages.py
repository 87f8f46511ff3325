"""The OAuth addresses: account choice, consent, token and revoke.

The two pages are plain forms, so that a script can drive them: `GET /oauth/authorize` shows step 1,
`GET /oauth/authorize/consent` step 2, and `POST /oauth/authorize` with `decision=allow` or `cancel` leads back.
"""

import base64
import binascii
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from aiohttp import web

from pipedrive_sandbox.answers import ApiError, Body
from pipedrive_sandbox.call import whole_number
from pipedrive_sandbox.clock import rfc3339
from pipedrive_sandbox.oauth import FORM, SCOPES, token_error
from pipedrive_sandbox.pages.layout import html, narrow_page, redirect, text
from pipedrive_sandbox.pages.words import plural
from pipedrive_sandbox.sandbox import Sandbox

MISBEHAVIOURS = {
    "": "Everything works",
    "expired_code": "The code has expired",
    "wrong_state": "The state is wrong",
    "no_state": "The state is missing",
    "down": "Pipedrive is down afterwards",
}
COUNTED = ("/oauth/token", "/oauth/revoke")
"""What a program calls, rather than a person. It costs no tokens."""


class OAuthPages:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def handle(self, request: web.BaseRequest) -> web.Response:
        path = request.path.rstrip("/")
        calls = {
            ("GET", "/oauth/authorize"): self.choose_account,
            ("GET", "/oauth/authorize/consent"): self.ask_consent,
            ("POST", "/oauth/authorize"): self.decide,
            ("POST", "/oauth/token"): self.token,
            ("POST", "/oauth/revoke"): self.revoke,
        }
        call = calls.get((request.method, path))
        if call is None:
            return html(narrow_page("Not found", "<h1>There is no such page</h1>"), 404)
        try:
            answer = await call(request)
        except ApiError as error:
            answer = _json(error.answer.body, error.answer.status)
        if path in COUNTED:
            self.sandbox.counters.add(path, "nobody", None, 0, answer.status)
        return answer

    # Step 1 and 2

    async def choose_account(self, request: web.BaseRequest) -> web.Response:
        given = dict(request.rel_url.query)
        app, problem = self._app(given)
        if app is None:
            return _problem(problem)
        companies = self.sandbox.state.companies()
        if not companies:
            return _problem("The sandbox has no company yet. Seed one with POST /_sandbox/seed.")
        hidden = _hidden(given, "client_id", "redirect_uri", "state")
        body = (
            f"<h1>Choose an account</h1><p class=muted><b>{text(app['name'])}</b> at {text(_host(given))} wants to "
            "connect. Step 1 of 2.</p>"
            f'<form class="box pad" action="/oauth/authorize/consent" method="get">{hidden}'
            f"<fieldset><legend>Sandbox companies</legend><div class=accounts>{self._company_choices(companies)}</div>"
            "</fieldset>"
            f'<div class=field><label for="as">Sign in as</label><select class=select id="as" name="user">'
            f"{self._user_choices(companies)}</select></div>"
            '<div class=row><button class="btn primary">Choose account</button><button class=btn name="decision" '
            'value="cancel" formaction="/oauth/authorize" formmethod="post">Cancel</button></div></form>'
        )
        return html(narrow_page("Choose an account", body))

    def _company_choices(self, companies: list[Body]) -> str:
        choices = []
        for number, company in enumerate(companies):
            users = self.sandbox.state.records["user"].count(company["id"])
            people = self.sandbox.state.records["person"].count(company["id"], ("is_deleted = 0", ()))
            hint = (
                f"{company['domain']}, {plural(users, 'user')}, {plural(people, 'person', 'people')}, "
                f"{company['plan'].capitalize()} plan"
            )
            checked = " checked" if number == 0 else ""
            choices.append(
                f'<label class=radio><input type=radio name="company" value="{company["id"]}"{checked}>'
                f"<b>{text(company['name'])}</b><span class=hint>{text(hint)}</span></label>"
            )
        return "".join(choices)

    def _user_choices(self, companies: list[Body]) -> str:
        groups = []
        for company in companies:
            options = "".join(
                f'<option value="{company["id"]}:{user["id"]}">{text(user["name"])}, {_role(user)}</option>'
                for user in self.sandbox.state.records["user"].where(company["id"])
            )
            groups.append(f'<optgroup label="{text(company["name"])}">{options}</optgroup>')
        return "".join(groups)

    async def ask_consent(self, request: web.BaseRequest) -> web.Response:
        given = dict(request.rel_url.query)
        app, problem = self._app(given)
        chosen = self._chosen(given)
        if app is None or chosen is None:
            return _problem(problem or "There is no such account.")
        company, user = chosen
        if not user["active_flag"]:
            return _problem("App cannot be installed for requested company: this user is deactivated.")
        scopes = "".join(
            f"<li><span>{SCOPES[scope]}</span><code>{scope}</code></li>" for scope in app["scopes"]
        )
        leave_out = "".join(
            f'<option value="{scope}">Leave out {scope}</option>' for scope in app["scopes"][1:]
        )
        trouble = "".join(f'<option value="{key}">{label}</option>' for key, label in MISBEHAVIOURS.items())
        hidden = _hidden(
            given | {"company": str(company["id"]), "user": str(user["id"])},
            *("client_id", "redirect_uri", "state", "company", "user"),
        )
        body = (
            f"<h1>Allow {text(app['name'])} to use {text(company['name'])}?</h1>"
            f"<p class=muted>You are signed in as {text(user['name'])}, {_role(user)}. Step 2 of 2.</p>"
            f'<form class="box pad" action="/oauth/authorize" method="post">{hidden}'
            f"<section><h2 class=label>{text(app['name'])} will be able to</h2><ul class=scopes>{scopes}</ul></section>"
            "<fieldset><legend>Make it misbehave <span class=small>sandbox only</span></legend><div class=pair>"
            f'<select class=select name="misbehave" aria-label="What happens next">{trouble}</select>'
            '<select class=select name="without" aria-label="Scopes"><option value="">All scopes</option>'
            f"{leave_out}</select></div></fieldset>"
            '<div class=row><button class="btn primary" name="decision" value="allow">Allow and install</button>'
            '<button class=btn name="decision" value="cancel">Refuse</button></div>'
            f"<p class=small>You will be sent back to {text(given.get('redirect_uri'))}</p></form>"
        )
        return html(narrow_page("Allow access", body))

    async def decide(self, request: web.BaseRequest) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        app, problem = self._app(form)
        if app is None:
            return _problem(problem)
        misbehave = form.get("misbehave", "")
        state = {"wrong_state": "not-the-state-you-sent", "no_state": None}.get(misbehave, form.get("state"))
        back: dict[str, str] = {} if state is None else {"state": state}
        if form.get("decision") != "allow":
            return _send_back(form["redirect_uri"], {"error": "user_denied", **back})
        chosen = self._chosen(form)
        if chosen is None or not chosen[1]["active_flag"]:
            return _problem("App cannot be installed for requested company.")
        company, user = chosen
        scopes = [scope for scope in app["scopes"] if scope != form.get("without")]
        life = {"life": -1.0} if misbehave == "expired_code" else {}
        code = self.sandbox.oauth.grant_code(
            app, company["id"], user["id"], form["redirect_uri"], scopes, **life
        )
        if misbehave == "down":
            self.sandbox.faults.add(
                {"kind": "error", "status": 503, "calls": "POST /oauth/token*", "times": 3}
            )
        return _send_back(form["redirect_uri"], {"code": code, **back})

    def _app(self, given: Body) -> tuple[Body | None, str]:
        app = self.sandbox.oauth.app(given.get("client_id", ""))
        if app is None:
            return None, "There is no app with this client_id."
        if given.get("redirect_uri") not in app["redirect_uri"]:
            known = ", ".join(app["redirect_uri"]) or "none"
            return None, f"The redirect_uri is not one of the app's callback addresses ({known})."
        return app, ""

    def _chosen(self, given: Body) -> tuple[Body, Body] | None:
        """The company and user of step 1. A user of another company than the chosen one gives way to its first."""
        user_text = str(given.get("user", ""))
        company_text, _, user_number = user_text.rpartition(":")
        companies = {str(company["id"]): company for company in self.sandbox.state.companies()}
        company = companies.get(str(given.get("company", company_text)))
        if company is None:
            return None
        same = company_text in ("", str(company["id"]))
        number = (whole_number(user_number) if same else None) or 1
        user = self.sandbox.state.records["user"].get(company["id"], number)
        return None if user is None else (company, user)

    # Tokens

    async def token(self, request: web.BaseRequest) -> web.Response:
        form = await _form(request)
        api_domain = self.sandbox.base_url(request)
        return _json(self.sandbox.oauth.token(form, _client(request), api_domain))

    async def revoke(self, request: web.BaseRequest) -> web.Response:
        form = await _form(request)
        app = self.sandbox.oauth.client_of(form, _client(request))
        self.sandbox.oauth.revoke(app, form.get("token", ""))
        return _json({"success": True})


def _host(given: Body) -> str:
    """Where the app lives, as far as its callback address tells."""
    return urlsplit(given["redirect_uri"]).netloc


async def tell_uninstalled(sandbox: Sandbox, ended: dict[str, Any]) -> int | None:
    """The DELETE call by which Pipedrive tells an app that a user removed it; its answer does not matter."""
    app = sandbox.oauth.app(ended["client_id"])
    if app is None or not app["redirect_uri"]:
        return None
    body = {**ended, "timestamp": rfc3339(sandbox.state.clock.now())}
    headers = {
        "Authorization": aiohttp.encode_basic_auth(app["client_id"], app["client_secret"]),
        "Content-Type": "application/json",
    }
    address = app["uninstall_url"] or app["redirect_uri"][0]
    time_out = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=time_out) as session,
            session.delete(address, data=orjson.dumps(body), headers=headers) as response,
        ):
            return response.status
    except (TimeoutError, aiohttp.ClientError, OSError):
        return None


async def _form(request: web.BaseRequest) -> dict[str, str]:
    if request.content_type != FORM:
        raise token_error("invalid_request", f"Invalid request: content must be `{FORM}`")
    return {key: str(value) for key, value in (await request.post()).items()}


def _client(request: web.BaseRequest) -> tuple[str, str] | None:
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith("basic "):
        return None
    try:
        name, _, secret = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _hidden(given: Body, *names: str) -> str:
    return "".join(
        f'<input type=hidden name="{name}" value="{text(given[name])}">'
        for name in names
        if given.get(name) is not None
    )


def _role(user: Body) -> str:
    if not user["active_flag"]:
        return "deactivated"
    return "admin" if user["is_admin"] else "regular user"


def _send_back(address: str, query: dict[str, str]) -> web.Response:
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}")


def _problem(problem: str) -> web.Response:
    return html(
        narrow_page("Cannot connect", f"<h1>This app cannot be connected</h1><p>{text(problem)}</p>"), 400
    )


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", charset="utf-8"
    )
