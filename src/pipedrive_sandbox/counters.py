"""How many requests came and what they cost, by endpoint and by client. Only since the last reset."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Count:
    requests: int = 0
    tokens: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    def add(self, cost: int, status: int) -> None:
        self.requests += 1
        self.tokens += cost
        self.statuses[str(status)] = self.statuses.get(str(status), 0) + 1

    def shown(self) -> dict[str, Any]:
        return {"requests": self.requests, "tokens": self.tokens, "statuses": self.statuses}


@dataclass
class Counters:
    total: Count = field(default_factory=Count)
    endpoints: dict[str, Count] = field(default_factory=dict)
    clients: dict[str, Count] = field(default_factory=dict)
    companies: dict[str, Count] = field(default_factory=dict)

    def add(self, endpoint: str, client: str, company: int | None, cost: int, status: int) -> None:
        self.total.add(cost, status)
        self.endpoints.setdefault(endpoint, Count()).add(cost, status)
        self.clients.setdefault(client, Count()).add(cost, status)
        if company is not None:
            self.companies.setdefault(str(company), Count()).add(cost, status)

    def empty(self) -> None:
        self.__init__()  # type: ignore[misc]

    def shown(self) -> dict[str, Any]:
        return {
            "total": self.total.shown(),
            "endpoints": {name: count.shown() for name, count in sorted(self.endpoints.items())},
            "clients": {name: count.shown() for name, count in sorted(self.clients.items())},
            "companies": {name: count.shown() for name, count in sorted(self.companies.items())},
        }
