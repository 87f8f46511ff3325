"""An account of a small company in memory, asked without HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, ApiError
from pipedrive_sandbox.call import Call
from pipedrive_sandbox.routes import RouteFinder, table
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.state import Event, State

FINDER = RouteFinder(table())
PLAN = Plan(persons=5, organizations=3, deals=2, activities=2, company={"plan": "growth"})

Ask = Callable[..., Answer]


@pytest.fixture
def state() -> Iterator[State]:
    state = State()
    yield state
    state.database.close()


@pytest.fixture
def seeder(state: State) -> Seeder:
    seeder = Seeder(state, PLAN)
    list(seeder.run())
    return seeder


@pytest.fixture
def account(seeder: Seeder) -> Account:
    return seeder.account


@pytest.fixture
def events(state: State) -> list[Event]:
    """Every event of a committed write, in order."""
    seen: list[Event] = []
    state.before_commit.append(seen.extend)
    return seen


@pytest.fixture
def ask(account: Account) -> Ask:
    """Call the API as the account's user: `ask("POST", "/api/v2/persons", name="Ann")`."""

    def call(method: str, address: str, body: Any = None, *, user: int | None = None, **query: Any) -> Answer:
        chosen = account.records("user").get(account.id, user or account.user_id)
        assert chosen is not None
        found = FINDER.find(method, address)
        assert found is not None, f"{method} {address} is no call"
        route, values = found
        one = Call(
            Account(account.state, account.company, chosen),
            path=values,
            query={key: str(value) for key, value in query.items()},
            body={} if body is None and route.takes_body else body,
        )
        try:
            with account.state.transaction():
                return route.handler(one)
        except ApiError as error:
            return error.answer

    return call


def data(answer: Answer) -> Any:
    assert answer.status < 300, answer.body
    return answer.body["data"]


def error(answer: Answer) -> str:
    assert answer.status >= 400, answer.body
    return str(answer.body["error"])
