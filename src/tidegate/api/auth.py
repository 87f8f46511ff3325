"""Who calls: an API key in the Authorization header, and whether its scopes allow the call.

Each route names its scope (`auth=needs(Scope.READ)`); a route without one doesn't exist (a test looks at all of them).
Everything a view reads or writes goes through `request.auth.workspace`.
"""

from django.http import HttpRequest
from ninja.security import HttpBearer

from tidegate.api.problems import ProblemError
from tidegate.store.keys import find_api_key
from tidegate.store.models import ApiKey
from tidegate.store.scopes import Scope

__all__ = ["ApiRequest", "BearerKey", "Scope", "actor", "needs"]


class ApiRequest(HttpRequest):
    """A request after authentication."""

    auth: ApiKey


class BearerKey(HttpBearer):
    """A key with one scope, or with `admin`, which includes all."""

    openapi_description = "An API key, made on the API keys page."

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not plain.strip():
            raise _unauthorized("Send an API key in the header: Authorization: Bearer <key>.")
        return self.authenticate(request, plain.strip())

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        key = find_api_key(token)
        if key is None:
            raise _unauthorized("This API key is not known, or was revoked.")
        if not {self.scope, Scope.ADMIN}.intersection(key.scopes):
            raise _scope_missing(key, self.scope)
        return key


def actor(request: ApiRequest) -> str:
    """Who is named in the logs for what this call does."""
    return f"API key “{request.auth.name}”"


def needs(scope: Scope) -> BearerKey:
    return BearerKey(scope)


def _unauthorized(detail: str) -> ProblemError:
    headers = {"WWW-Authenticate": 'Bearer realm="tidegate"'}
    return ProblemError(401, "unauthorized", "Unauthorized", detail, headers=headers)


def _scope_missing(key: ApiKey, scope: Scope) -> ProblemError:
    held = ", ".join(key.scopes)
    detail = f"This needs a key with the scope {scope}. The key “{key.name}” has: {held}."
    headers = {"WWW-Authenticate": f'Bearer realm="tidegate", error="insufficient_scope", scope="{scope}"'}
    return ProblemError(
        403, "scope-missing", "Scope missing", detail, headers=headers, missing_scope=scope.value
    )
