"""Faults on request: slow answers, errors, lost answers, cut connections and late deeds, by endpoint and by share.

A fault names the calls it strikes by method and path with `*` as a wildcard (`POST /api/v2/persons*`). It strikes a
share of them, for a number of times or until it is taken away.
"""

import fnmatch
import random
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

KINDS = ("latency", "error", "lost_answer", "late", "reset", "block_page")
OWN_TEXTS = {
    401: "Invalid token: access_token is invalid",
    402: "Company account is not open",
    404: "Entity was not found",
    429: "Request over limit",
}
"""Where Pipedrive says something else than the name of the status."""


@dataclass
class Fault:
    kind: str
    calls: str = "* *"
    share: float = 1.0
    times: int | None = None
    seconds: float = 1.0
    jitter: float = 0.0
    status: int = 500
    id: int = 0
    struck: int = 0

    def problem(self) -> str | None:
        if self.kind not in KINDS:
            return f"There is no fault {self.kind!r}. Known: {', '.join(KINDS)}."
        if not 0 <= self.share <= 1:
            return "A fault's share lies between 0 and 1."
        if self.seconds < 0 or self.jitter < 0:
            return "Seconds and jitter cannot be negative."
        if not 400 <= self.status <= 599:
            return "A fault's status lies between 400 and 599."
        return None

    @property
    def text(self) -> str:
        named = self.status in HTTPStatus.__members__.values()
        return OWN_TEXTS.get(self.status) or (HTTPStatus(self.status).phrase if named else "Unknown Error")


class Faults:
    def __init__(self, seed: int | None = None) -> None:
        self.faults: list[Fault] = []
        self.chance = random.Random(seed)  # noqa: S311  faults are no secret
        self._last_id = 0

    def add(self, given: dict[str, Any]) -> Fault:
        known = set(Fault.__dataclass_fields__) - {"id", "struck"}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"A fault has no {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
        if "kind" not in given:
            raise ValueError(f"A fault needs a kind: one of {', '.join(KINDS)}.")
        self._last_id += 1
        fault = Fault(**given, id=self._last_id)
        if problem := fault.problem():
            raise ValueError(problem)
        self.faults.append(fault)
        return fault

    def remove(self, fault_id: int | None = None) -> int:
        kept = [] if fault_id is None else [fault for fault in self.faults if fault.id != fault_id]
        removed = len(self.faults) - len(kept)
        self.faults = kept
        return removed

    def strike(self, method: str, path: str) -> list[Fault]:
        """The faults that hit this request, spent ones taken away."""
        if not self.faults:
            return []
        call = f"{method} {path}"
        hits = [
            f for f in self.faults if fnmatch.fnmatchcase(call, f.calls) and self.chance.random() < f.share
        ]
        for fault in hits:
            fault.struck += 1
        self.faults = [fault for fault in self.faults if fault.times is None or fault.struck < fault.times]
        return hits

    def delay(self, fault: Fault) -> float:
        return fault.seconds + self.chance.uniform(0, fault.jitter)

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.faults]
