"""What all tests share: a PostgreSQL of their own, started when the first test needs one and surely ended."""

import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True, print_blob=True)
settings.load_profile("same")
"""A checkout's tests say the same each time and on every machine, however busy. New examples are looked for by
`make test TESTS="tests/property --hypothesis-profile=explore"`."""

LAST = ("", "tests/processes", "tests/e2e")
"""Where tests stand that must come after all others, in this order."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[None]:
    """A running PostgreSQL: the one DATABASE_URL names, or an embedded one that lives as long as this run."""
    from tests.settings import HOME
    from tidegate.config import config
    from tidegate.database import TEST_SETTINGS, EmbeddedDatabase

    if not config.embedded:
        yield
        return
    database = EmbeddedDatabase(HOME, settings=TEST_SETTINGS)
    database.start()
    try:
        yield
    finally:
        database.stop()


@pytest.fixture(scope="session")
def django_db_setup(postgres: None, django_db_setup: None) -> None:
    """pytest-django's own set-up of the test database, once there is a server to make it on."""


def pytest_unconfigure() -> None:
    from tests.settings import HOME

    shutil.rmtree(HOME, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's event loop stays in the main thread, where no other could run beside it."""
    items.sort(key=lambda item: max(LAST.index(folder) for folder in LAST if folder in str(item.path)))
