"""The tokens of one connection, encrypted, and the claim that lets one process at a time refresh them."""

from datetime import datetime, timedelta

import orjson
from django.db.models import Q
from django.utils import timezone

from tidegate.errors import AuthorizationLost
from tidegate.ports import Tokens
from tidegate.store.models import Connection
from tidegate.store.secrets import decrypt, encrypt


class ConnectionVault:
    """Implements `services.credentials.Vault`."""

    def __init__(self, connection_id: str) -> None:
        self._rows = Connection.objects.filter(pk=connection_id)

    def load(self) -> Tokens:
        secret = self._rows.values_list("secret", flat=True).first()
        if secret is None:
            raise AuthorizationLost
        return open_tokens(bytes(secret))

    def claim(self, seconds: float) -> bool:
        now = timezone.now()
        free = self._rows.filter(Q(refreshing_until=None) | Q(refreshing_until__lt=now))
        return free.update(refreshing_until=now + timedelta(seconds=seconds)) == 1

    def save(self, tokens: Tokens) -> None:
        self._rows.update(
            secret=seal_tokens(tokens), token_expires_at=tokens.expires_at, scopes=list(tokens.scopes)
        )

    def release(self) -> None:
        self._rows.update(refreshing_until=None)


def seal_tokens(tokens: Tokens) -> bytes:
    return encrypt(
        orjson.dumps(
            {
                "access_token": tokens.access_token,
                "refresh_token": tokens.refresh_token,
                "expires_at": tokens.expires_at.isoformat(),
                "scopes": tokens.scopes,
                "api_domain": tokens.api_domain,
            }
        ).decode()
    )


def open_tokens(sealed: bytes) -> Tokens:
    raw = orjson.loads(decrypt(sealed))
    return Tokens(
        access_token=raw["access_token"],
        refresh_token=raw["refresh_token"],
        expires_at=datetime.fromisoformat(raw["expires_at"]),
        scopes=tuple(raw["scopes"]),
        api_domain=raw["api_domain"],
    )
