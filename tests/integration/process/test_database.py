"""The embedded database, as tests and `tidegate up` use it."""

import pytest

from tidegate.store.models import Workspace


@pytest.mark.django_db
def test_a_test_can_write_and_read() -> None:
    Workspace.objects.create(name="Acme")
    assert Workspace.objects.get().name == "Acme"
