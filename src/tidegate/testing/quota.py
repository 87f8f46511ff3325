"""A quota that counts, and runs out when a test says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.errors import BudgetSpent


@dataclass(slots=True)
class CountingQuota:
    """Implements `ports.Quota`. `budget` None: without end."""

    budget: int | None = None
    spent: int = 0
    searches: int = 0
    released: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        if self.budget is not None and self.spent + tokens > self.budget:
            raise BudgetSpent(retry_after=3600)
        self.spent += tokens
        self.searches += search

    def release(self, *, search: bool = False) -> None:
        self.released += 1

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        self.answers.append((status, dict(headers)))
