"""Under which id and secret Pipedrive knows this server: from the environment, else from the page for administrators."""

from dataclasses import dataclass, field

from django.utils import timezone

from tidegate.config import config
from tidegate.store.models import OAuthApp
from tidegate.store.secrets import decrypt, encrypt


@dataclass(frozen=True, slots=True)
class RegisteredApp:
    client_id: str
    client_secret: str = field(repr=False)
    from_environment: bool = False


def registered_app() -> RegisteredApp | None:
    """The environment wins, so that whoever runs the server has the last word."""
    if config.pipedrive_client_id and config.pipedrive_client_secret:
        return RegisteredApp(
            config.pipedrive_client_id, config.pipedrive_client_secret, from_environment=True
        )
    row = OAuthApp.objects.first()
    return RegisteredApp(row.client_id, decrypt(row.client_secret)) if row else None


def register_app(client_id: str, client_secret: str, *, actor: str) -> None:
    """Keep these instead of what was kept before. Connections made under another id will have to be reconnected."""
    facts = {
        "client_id": client_id,
        "client_secret": encrypt(client_secret),
        "saved_at": timezone.now(),
        "saved_by": actor,
    }
    OAuthApp.objects.update_or_create(pk=1, defaults=facts)
