"""Keys for programs."""

import pytest
from django.utils import timezone

from tidegate.store.keys import find_api_key, make_api_key
from tidegate.store.models import ApiKey, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> tuple[ApiKey, str]:
    return make_api_key(
        Workspace.objects.create(name="Acme"), "Feed", ["prospects:write", "prospects:read"], actor="Alice"
    )


def test_a_key_is_found_by_its_plain_text(made: tuple[ApiKey, str]) -> None:
    key, plain = made
    found = find_api_key(plain)
    assert found == key
    assert found.scopes == ["prospects:read", "prospects:write"]
    assert found.last_used_at is not None


def test_the_plain_text_is_kept_nowhere(made: tuple[ApiKey, str]) -> None:
    key, plain = made
    assert plain not in str(ApiKey.objects.filter(pk=key.pk).values().get())
    assert plain.startswith(key.prefix)


def test_a_revoked_key_is_not_found(made: tuple[ApiKey, str]) -> None:
    key, plain = made
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert find_api_key(plain) is None


@pytest.mark.parametrize("wrong", ["", "tg_", "tg_wrong", "é"])
def test_another_text_finds_nothing(made: tuple[ApiKey, str], wrong: str) -> None:
    assert find_api_key(wrong) is None
