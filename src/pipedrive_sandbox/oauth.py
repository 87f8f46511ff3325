"""OAuth 2.0 as Pipedrive does it: apps, installations, codes, access and refresh tokens.

An installation is one app at one user of one company. Its refresh token stays the same over refreshes unless the
switch says otherwise; its access tokens live for an hour.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import orjson

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import ApiError, Body
from pipedrive_sandbox.state import State
from pipedrive_sandbox.webhooks import subscriptions

CODE_LIFE = 300.0
ACCESS_LIFE = 3600.0
REFRESH_LIFE = 60 * 86_400.0
SCOPES = {
    "base": "See basic information about you and the company",
    "deals:read": "Read deals, pipelines and stages",
    "deals:full": "Read and change deals, read pipelines and stages",
    "activities:read": "Read activities",
    "activities:full": "Read and change activities",
    "contacts:read": "Read people and organizations",
    "contacts:full": "Read and change people and organizations",
    "leads:read": "Read leads",
    "leads:full": "Read and change leads",
    "users:read": "See the users of the company",
    "recents:read": "Read what changed recently",
    "search:read": "Search across the company",
    "admin": "Change settings, pipelines, fields and webhooks",
    "webhooks:read": "See its own webhooks",
    "webhooks:full": "Create and remove its own webhooks",
    "contact-fields:full": "Create and change fields of people and organizations",
    "deal-fields:full": "Create and change fields of deals",
    "products:read": "Read products",
    "products:full": "Read and change products",
    "projects:read": "Read projects",
    "projects:full": "Read and change projects",
    "mail:read": "Read mail",
    "mail:full": "Read and change mail",
    "goals:read": "Read goals",
    "goals:full": "Read and change goals",
    "product-fields:full": "Create and change fields of products",
    "project-fields:full": "Create and change fields of projects",
    "phone-integration": "Show a phone panel",
    "video-calls": "Offer video calls",
    "messengers-integration": "Connect a messenger",
}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Grant:
    """What an access token opens."""

    install: int
    client_id: str
    company: int
    user: int
    scopes: frozenset[str]


def token_error(kind: str, text: str) -> ApiError:
    return ApiError(400, {"success": False, "error": kind, "error_description": text, "message": text})


class OAuth:
    def __init__(self, state: State) -> None:
        self.state = state

    # Apps

    def register(self, given: Body) -> Body:
        """Register an app, or replace the one with the same client id."""
        app: Body = {
            "client_id": secrets.token_hex(8),
            "client_secret": secrets.token_hex(20),
            "redirect_uri": [],
            "scopes": ["base"],
            "name": "An app",
            "uninstall_url": None,
        }
        unknown = sorted(set(given) - set(app))
        if unknown:
            raise ValueError(f"An app has no {unknown[0]!r}. Known: {', '.join(app)}.")
        app |= given
        for key in ("client_id", "client_secret", "name"):
            if not isinstance(app[key], str) or not app[key]:
                raise ValueError(f"The {key} of an app is a text.")
        for key in ("redirect_uri", "scopes"):
            app[key] = [app[key]] if isinstance(app[key], str) else list(app[key])
            if not all(isinstance(item, str) for item in app[key]):
                raise ValueError(f"The {key} of an app is a text or a list of texts.")
        app["scopes"] = [scope for item in app["scopes"] for scope in item.replace(",", " ").split()]
        unknown = [scope for scope in app["scopes"] if scope not in SCOPES]
        if unknown:
            raise ValueError(f"There is no scope {unknown[0]!r}. Known: {', '.join(SCOPES)}.")
        app["scopes"] = list(dict.fromkeys(["base", *app["scopes"]]))
        self.state.database.execute(
            "INSERT OR REPLACE INTO app VALUES (?, ?)", (app["client_id"], orjson.dumps(app))
        )
        return app

    def app(self, client_id: str) -> Body | None:
        row = self.state.database.execute("SELECT body FROM app WHERE client_id = ?", (client_id,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def apps(self) -> list[Body]:
        return [
            orjson.loads(row[0])
            for row in self.state.database.execute("SELECT body FROM app ORDER BY client_id")
        ]

    # The way in

    def grant_code(
        self,
        app: Body,
        company: int,
        user: int,
        redirect_uri: str,
        scopes: list[str],
        *,
        life: float = CODE_LIFE,
    ) -> str:
        code = secrets.token_hex(20)
        self.state.database.execute(
            "INSERT INTO code (code, client_id, company, user, scopes, redirect_uri, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                code,
                app["client_id"],
                company,
                user,
                ",".join(scopes),
                redirect_uri,
                self.state.clock.now() + life,
            ),
        )
        return code

    def token(self, form: dict[str, str], client: tuple[str, str] | None, api_domain: str) -> Body:
        """Answer the token call; raises ApiError with Pipedrive's sentence."""
        if "grant_type" not in form:
            raise token_error("invalid_request", "Missing parameter: `grant_type`")
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
            "exchange_api_token": self._by_api_token,
        }
        grant = grants.get(form["grant_type"])
        if grant is None:
            raise token_error("unsupported_grant_type", "Unsupported grant type: `grant_type` is invalid")
        app = self.client_of(form, client)
        try:
            with self.state.transaction():
                return self._answer(*grant(app, form), api_domain)
        except ApiError:
            self._punish_reuse(form.get("refresh_token", ""))
            raise

    def client_of(self, form: dict[str, str], client: tuple[str, str] | None) -> Body:
        if client is None and "client_id" in form and "client_secret" in form:
            client = form["client_id"], form["client_secret"]
        if client is None:
            raise token_error("invalid_client", "Invalid client: cannot retrieve client credentials")
        app = self.app(client[0])
        if app is None or not hmac.compare_digest(app["client_secret"].encode(), client[1].encode()):
            raise token_error("invalid_client", "Invalid client: client is invalid")
        return app

    def _by_code(self, app: Body, form: dict[str, str]) -> tuple[int, str, str]:
        database = self.state.database
        row = database.execute(
            "SELECT client_id, company, user, scopes, redirect_uri, until, used FROM code WHERE code = ?",
            (form.get("code", ""),),
        ).fetchone()
        if row is None or row[0] != app["client_id"] or row[6]:
            raise token_error("invalid_grant", "Invalid grant: `authorization_code` is invalid")
        if row[5] <= self.state.clock.now():
            raise token_error("invalid_grant", "Invalid grant: `authorization_code` has expired")
        if not form.get("redirect_uri", "").startswith(("http://", "https://")):
            raise token_error("invalid_request", "Invalid request: `redirect_uri` is not a valid URI")
        if form["redirect_uri"] != row[4]:
            raise token_error("invalid_request", "Invalid request: `redirect_uri` is invalid")
        database.execute("UPDATE code SET used = 1 WHERE code = ?", (form["code"],))
        return self._install(app["client_id"], row[1], row[2], row[3])

    def _install(self, client_id: str, company: int, user: int, scopes: str) -> tuple[int, str, str]:
        """A new installation, or the old one with its scopes renewed."""
        database = self.state.database
        refresh = _token("refresh", client_id)
        database.execute(
            "INSERT INTO install (client_id, company, user, scopes, refresh_token, refresh_until)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (client_id, company, user) DO UPDATE SET"
            " scopes = excluded.scopes, refresh_token = excluded.refresh_token, refresh_until = excluded.refresh_until",
            (client_id, company, user, scopes, refresh, self.state.clock.now() + REFRESH_LIFE),
        )
        row = database.execute("SELECT id FROM install WHERE refresh_token = ?", (refresh,)).fetchone()
        return row[0], refresh, scopes

    def _by_refresh(self, app: Body, form: dict[str, str]) -> tuple[int, str, str]:
        database, now = self.state.database, self.state.clock.now()
        given = form.get("refresh_token", "")
        row = database.execute(
            "SELECT id, client_id, scopes, refresh_until FROM install WHERE refresh_token = ?", (given,)
        ).fetchone()
        if row is None or row[1] != app["client_id"] or row[3] <= now:
            raise token_error("invalid_grant", "Invalid grant: `refresh_token` is invalid")
        refresh = given
        if self.state.switches["rotate_refresh_token"]:
            refresh = _token("refresh", app["client_id"])
            database.execute("INSERT INTO spent_refresh_token VALUES (?, ?)", (given, row[0]))
        database.execute(
            "UPDATE install SET refresh_token = ?, refresh_until = ? WHERE id = ?",
            (refresh, now + REFRESH_LIFE, row[0]),
        )
        return row[0], refresh, row[2]

    def _punish_reuse(self, token: str) -> None:
        """The harshest reading of rotation: who uses a spent refresh token loses the installation."""
        if not self.state.switches["refresh_reuse_kills_install"]:
            return
        with self.state.transaction():
            row = self.state.database.execute(
                "SELECT install FROM spent_refresh_token WHERE token = ?", (token,)
            ).fetchone()
            if row is not None:
                self.uninstall(row[0])

    def _by_api_token(self, app: Body, form: dict[str, str]) -> tuple[int, str, str]:
        found = user_by_api_token(self.state, form.get("api_token", ""))
        if found is None:
            raise token_error("invalid_grant", "Invalid grant: `api_token` is invalid")
        user = found[0], found[1]["id"]
        taken = self.state.database.execute(
            "SELECT 1 FROM install WHERE client_id = ? AND company = ? AND user = ?",
            (app["client_id"], *user),
        ).fetchone()
        if taken is not None:
            raise token_error("invalid_grant", "Invalid grant: `api_token` is invalid")
        return self._install(app["client_id"], *user, ",".join(app["scopes"]))

    def _answer(self, install: int, refresh: str, scopes: str, api_domain: str) -> Body:
        access = _token("access", str(install))
        until = self.state.clock.now() + ACCESS_LIFE
        self.state.database.execute("INSERT INTO access_token VALUES (?, ?, ?)", (access, install, until))
        return {
            "access_token": access,
            "token_type": "Bearer",
            "refresh_token": refresh,
            "scope": scopes,
            "expires_in": int(ACCESS_LIFE),
            "api_domain": api_domain,
        }

    # The way out

    def revoke(self, app: Body, token: str) -> dict[str, Any] | None:
        """An access token dies alone; a refresh token takes the whole installation along. Returns what was ended."""
        database = self.state.database
        with self.state.transaction():
            row = database.execute(
                "SELECT id FROM install WHERE refresh_token = ? AND client_id = ?", (token, app["client_id"])
            ).fetchone()
            if row is not None:
                return self.uninstall(row[0])
            database.execute(
                "DELETE FROM access_token WHERE token = ? AND install IN (SELECT id FROM install WHERE client_id = ?)",
                (token, app["client_id"]),
            )
        return None

    def uninstall(self, install: int) -> dict[str, Any] | None:
        """End an installation with its tokens and webhooks; what Pipedrive would tell the app is returned."""
        database = self.state.database
        row = database.execute(
            "SELECT client_id, company, user FROM install WHERE id = ?", (install,)
        ).fetchone()
        if row is None:
            return None
        database.execute("DELETE FROM access_token WHERE install = ?", (install,))
        database.execute("DELETE FROM install WHERE id = ?", (install,))
        company, user = self.state.company(row[1]), self.state.records["user"].get(row[1], row[2])
        if company is not None and user is not None:
            subscriptions.remove_of_install(Account(self.state, company, user), row[0])
        return {"client_id": row[0], "company_id": row[1], "user_id": row[2]}

    # In use

    def grant(self, access_token: str) -> Grant | None:
        row = self.state.database.execute(
            "SELECT install, client_id, company, user, scopes, until FROM access_token"
            " JOIN install ON install.id = access_token.install WHERE token = ?",
            (access_token,),
        ).fetchone()
        if row is None or row[5] <= self.state.clock.now():
            return None
        return Grant(row[0], row[1], row[2], row[3], frozenset(row[4].split(",")))

    def installs(self) -> list[dict[str, Any]]:
        rows = self.state.database.execute(
            "SELECT id, client_id, company, user, scopes, refresh_until FROM install"
        )
        names = ("id", "client_id", "company_id", "user_id", "scopes", "refresh_until")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def expire_access_tokens(self, install: int | None = None) -> int:
        chosen = "" if install is None else "WHERE install = ?"
        values = () if install is None else (install,)
        return self.state.database.execute(f"DELETE FROM access_token {chosen}", values).rowcount  # noqa: S608

    def revoke_tokens(self, install: int | None = None) -> int:
        """All tokens stop working and nobody is told: only signing in again helps."""
        self.expire_access_tokens(install)
        chosen, values = ("", ()) if install is None else (" WHERE id = ?", (install,))
        return self.state.database.execute(
            f"UPDATE install SET refresh_until = 0{chosen}",  # noqa: S608  our own words
            values,
        ).rowcount

    def set_scopes(self, install: int, scopes: list[str]) -> None:
        self.state.database.execute("UPDATE install SET scopes = ? WHERE id = ?", (",".join(scopes), install))


def user_by_api_token(state: State, token: str) -> tuple[int, Body] | None:
    """The company's id and the user of a personal API token."""
    row = state.database.execute(
        "SELECT company, body FROM user WHERE api_token = ? AND is_deleted = 0", (token,)
    ).fetchone()
    if row is None:
        return None
    user = orjson.loads(row[1])
    return (row[0], user) if user["active_flag"] else None


def _token(kind: str, salt: str) -> str:
    return f"v1u:{kind[:1]}{secrets.token_urlsafe(64)}-{len(salt)}"
