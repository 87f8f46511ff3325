"""What the rolling check of a connection says: how many pairs are in step, since when that is known, and how far it is."""

from dataclasses import dataclass
from datetime import datetime

from tidegate.store.models import Connection, SamenessCheck


@dataclass(frozen=True, slots=True)
class Sameness:
    """The last whole round; where none is done yet, the figures of the one under way. Pairs, not records."""

    in_step: int
    on_their_way: int
    """A change of theirs waited while they were looked at."""
    differing: int
    checked_at: datetime | None
    """When the last whole round ended; None: none has yet."""
    checking: bool
    """A round is under way."""
    checked_so_far: int
    """Pairs the round under way has looked at."""
    due_at: datetime
    """When its next page is looked at."""

    @property
    def pairs(self) -> int:
        return self.in_step + self.on_their_way + self.differing


def sameness(connection: Connection) -> Sameness | None:
    check = SamenessCheck.objects.filter(connection=connection).first()
    if check is None or (check.finished_at is None and not check.cursor):
        return None
    so_far = (check.in_step, check.on_their_way, check.differing)
    last = (check.last_in_step, check.last_on_their_way, check.last_differing)
    shown = so_far if check.finished_at is None else last
    return Sameness(*shown, check.finished_at, bool(check.cursor), sum(so_far), check.due_at)
