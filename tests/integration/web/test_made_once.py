"""A field or option made from the mapping is made once: whoever presses together, wherever the process ends, whatever gets lost."""

import threading
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.db import connections as database_connections
from django.utils import timezone

from tests.builders import make_connection, make_workspace
from tests.integration.web.fake_pipedrive import PIPEDRIVE_FIELDS
from tidegate.core.catalogue import Field, PipedriveCatalogue
from tidegate.core.records import Side
from tidegate.core.values import Kind
from tidegate.errors import Conflict, InvalidForRemote, RemoteUnavailable
from tidegate.store import catalogues
from tidegate.store.models import Connection, Intent
from tidegate.testing.crm import MemoryCrm
from tidegate.wiring import fields
from tidegate.wiring.steps import run

T = TypeVar("T")
INDUSTRY = "a" * 40
DEEDS: dict[str, Callable[[Connection], Field]] = {
    "field": lambda connection: fields.create_field(
        connection, Side.PIPEDRIVE, name="Hat size", kind=Kind.NUMBER, actor="Alice"
    ),
    "options": lambda connection: fields.add_options(
        connection, Side.PIPEDRIVE, key=INDUSTRY, labels=["Energy", "Farming"], actor="Alice"
    ),
}


class Died(BaseException):
    """The process ended here."""


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch) -> MemoryCrm:
    crm = MemoryCrm(PIPEDRIVE_FIELDS)

    def ask(connection: Connection, use: Callable[[MemoryCrm], Coroutine[Any, Any, T]]) -> T:
        return run(use, crm)

    monkeypatch.setattr(fields, "ask_pipedrive", ask)
    return crm


@pytest.fixture
def there() -> Connection:
    connection = make_connection(make_workspace())
    catalogues.store_catalogues(connection, pipedrive=PipedriveCatalogue(PIPEDRIVE_FIELDS))
    return connection


def pressed_by_another(connection: Connection, deed: str) -> Field | None:
    """As in another request, later: None where it is told that it is there already."""
    Intent.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    try:
        return DEEDS[deed](Connection.objects.get(pk=connection.pk))
    except Conflict:
        return None


def expect_made_once(crm: MemoryCrm, connection: Connection, deed: str) -> None:
    made = [field for field in crm.fields.values() if field.name == "Hat size"]
    labels = [option.label for option in crm.fields[INDUSTRY].options]
    assert len(made) == (deed == "field")
    assert labels == ["Software", "Retail", "Health", *(("Energy", "Farming") if deed == "options" else ())]
    stored = catalogues.pipedrive_catalogue(Connection.objects.get(pk=connection.pk))
    assert stored.fields == tuple(crm.fields.values())
    assert not Intent.objects.exists()


def mortal(monkeypatch: pytest.MonkeyPatch, crm: MemoryCrm) -> Callable[[int], list[str]]:
    """Makes every step a point before and a point after; the returned call arms the death at the nth point."""
    left, seen = [0], list[str]()

    def pass_by(point: str) -> None:
        seen.append(point)
        left[0] -= 1
        if left[0] == 0:
            raise Died(point)

    def plain(holder: Any, name: str) -> None:
        inner = getattr(holder, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            pass_by(f"before {name}")
            answer = inner(*args, **kwargs)
            pass_by(f"after {name}")
            return answer

        monkeypatch.setattr(holder, name, step)

    def call(name: str) -> None:
        inner = getattr(crm, name)

        async def step(*args: Any, **kwargs: Any) -> Any:
            pass_by(f"before {name}")
            answer = await inner(*args, **kwargs)
            pass_by(f"after {name}")
            return answer

        monkeypatch.setattr(crm, name, step)

    for holder, name in ((fields, "note"), (fields, "strike_out"), (catalogues, "store_catalogues")):
        plain(holder, name)
    for name in ("create_field", "add_options", "read_catalogue"):
        call(name)

    def arm(number: int) -> list[str]:
        left[0] = number
        seen.clear()
        return seen

    return arm


@pytest.mark.django_db
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("point", range(1, 9))
def test_a_press_that_dies_anywhere_and_is_repeated_makes_it_once(
    there: Connection, crm: MemoryCrm, monkeypatch: pytest.MonkeyPatch, deed: str, point: int
) -> None:
    arm = mortal(monkeypatch, crm)
    seen = arm(point)
    with pytest.raises(Died):
        DEEDS[deed](there)
    assert len(seen) == point

    arm(0)
    pressed_by_another(there, deed)

    expect_made_once(crm, there, deed)


@pytest.mark.django_db
@pytest.mark.parametrize("deed", DEEDS)
def test_the_points_above_are_all_there_are(
    there: Connection, crm: MemoryCrm, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    arm = mortal(monkeypatch, crm)
    seen = arm(0)
    DEEDS[deed](there)
    assert len(seen) == 8


@pytest.fixture
def elsewhere(there: Connection) -> Connection:
    """Another workspace's connection to the same company, which knows of nothing that is made in the first one."""
    connection = make_connection(make_workspace("Elsewhere"), lane=there.lane)
    catalogues.store_catalogues(connection, pipedrive=PipedriveCatalogue(PIPEDRIVE_FIELDS))
    return connection


@pytest.mark.django_db
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("point", range(1, 11))
def test_a_press_that_dies_in_one_workspace_and_is_repeated_in_another_makes_it_once(
    there: Connection,
    elsewhere: Connection,
    crm: MemoryCrm,
    monkeypatch: pytest.MonkeyPatch,
    deed: str,
    point: int,
) -> None:
    arm = mortal(monkeypatch, crm)
    seen = arm(point)
    with pytest.raises(Died):
        DEEDS[deed](there)
    assert len(seen) == point

    arm(0)
    pressed_by_another(elsewhere, deed)
    pressed_by_another(there, deed)

    expect_made_once(crm, there, deed)
    expect_made_once(crm, elsewhere, deed)


@pytest.mark.django_db
@pytest.mark.parametrize("deed", DEEDS)
def test_an_answer_that_is_lost_with_the_look_after_it_is_found_by_the_next_press(
    there: Connection, crm: MemoryCrm, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    verb = "create_field" if deed == "field" else "add_options"
    inner = getattr(crm, verb)

    async def lost(*args: Any) -> Any:
        await inner(*args)
        raise RemoteUnavailable("No answer.", sent=True)

    async def down() -> Any:
        raise RemoteUnavailable("Pipedrive is down.", sent=False)

    with monkeypatch.context() as patched:
        patched.setattr(crm, verb, lost)
        patched.setattr(crm, "read_catalogue", down)
        with pytest.raises(RemoteUnavailable):
            DEEDS[deed](there)
    assert Intent.objects.get().kind == deed

    found = pressed_by_another(there, deed)

    assert found is not None
    assert crm.fields[found.key] == found
    expect_made_once(crm, there, deed)


@pytest.mark.django_db
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    "error", [InvalidForRemote("Refused."), RemoteUnavailable("Down.", sent=False)], ids=str
)
def test_what_was_surely_not_made_is_not_looked_for(
    there: Connection, crm: MemoryCrm, monkeypatch: pytest.MonkeyPatch, deed: str, error: Exception
) -> None:
    async def refuse(*args: Any) -> Any:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(crm, "create_field", refuse)
        patched.setattr(crm, "add_options", refuse)
        with pytest.raises(Exception, match=error.args[0]):
            DEEDS[deed](there)

    assert not Intent.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("workspaces", [1, 3])
def test_of_several_who_press_at_once_one_makes_it_and_all_get_it(
    there: Connection, crm: MemoryCrm, deed: str, workspaces: int
) -> None:
    start = threading.Barrier(3)
    got: list[Field] = []
    connections = [there]
    while len(connections) < workspaces:
        connections.append(make_connection(make_workspace(f"Workspace {len(connections)}"), lane=there.lane))
        catalogues.store_catalogues(connections[-1], pipedrive=PipedriveCatalogue(PIPEDRIVE_FIELDS))

    def press(connection: Connection) -> None:
        try:
            start.wait(timeout=60)
            got.append(DEEDS[deed](connection))
        finally:
            database_connections.close_all()

    pages = [Connection.objects.get(pk=connections[n % workspaces].pk) for n in range(3)]
    threads = [threading.Thread(target=press, args=(page,)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(got) == 3
    assert {each.key for each in got} == {got[0].key}
    for connection in connections:
        expect_made_once(crm, connection, deed)
