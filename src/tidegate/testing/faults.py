"""Faults on demand: the next calls of a method fail before they act, or after (the answer is lost on the way)."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Fault:
    method: str
    error: Exception
    times: int
    after: bool


@dataclass(slots=True)
class Faults:
    """Every port method calls `before` with its name, and `after` once it has acted."""

    calls: Counter[str] = field(default_factory=Counter)
    raised: int = 0
    _waiting: list[_Fault] = field(default_factory=list)

    def fail(self, method: str, error: Exception, *, times: int = 1, after: bool = False) -> None:
        """Let the next calls of a method fail; `*` stands for any method.

        `after`: the call acts first and its answer is lost, as with a connection that breaks.
        """
        self._waiting.append(_Fault(method, error, times, after))

    def clear(self) -> None:
        self._waiting.clear()

    def before(self, method: str) -> None:
        self.calls[method] += 1
        self._raise(method, after=False)

    def after(self, method: str) -> None:
        self._raise(method, after=True)

    def _raise(self, method: str, *, after: bool) -> None:
        for fault in self._waiting:
            if fault.after is after and fault.method in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                self.raised += 1
                raise fault.error
