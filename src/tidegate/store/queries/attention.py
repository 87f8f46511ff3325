"""What waits for a person, by kind."""

from dataclasses import dataclass, field

from django.db.models import Count

from tidegate.store.models import Attention, Connection


@dataclass(frozen=True, slots=True)
class AttentionGroup:
    """Open cases of one kind: how many there are, and the newest of them."""

    kind: str
    count: int
    cases: list[Attention] = field(default_factory=list)


def attention_groups(connection: Connection, *, limit: int = 10) -> list[AttentionGroup]:
    """Open cases by kind, the most frequent kind first, with the newest `limit` of each."""
    open_cases = connection.attention.filter(settled_at=None)
    kinds = open_cases.values_list("kind").annotate(n=Count("id")).order_by("-n", "kind")
    return [
        AttentionGroup(kind, n, list(open_cases.filter(kind=kind).order_by("-created_at", "-id")[:limit]))
        for kind, n in kinds
    ]
