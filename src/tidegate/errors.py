"""Every error Tidegate raises, sorted by what happens next.

TidegateError
├── TemporaryError            try again later; may carry retry_after
│   ├── RateLimited           the other side asked us to slow down
│   ├── BudgetSpent           the day's API budget is used up
│   ├── RemoteUnavailable     no answer, time out, 5xx
│   ├── ChangedMeanwhile      somebody edited the record between our look and our write
│   └── LaneLost              another worker holds this lane now
├── NeedsAttention            a person must act; the connection stops and says what to do
│   ├── AuthorizationLost     revoked or expired for good: reconnect
│   ├── PermissionMissing     a scope or a right is missing
│   ├── MappingBroken         a mapped field, list, user or stage is gone or changed its type
│   └── SuspiciousChange      a side came back empty, or nearly
├── RecordRejected            this record cannot be written; the others go on
│   ├── InvalidForRemote      a value doesn't fit the field it goes to
│   ├── RecordGone            deleted, merged away or not visible
│   └── AmbiguousMatch        more than one candidate
├── DeliveryRejected          an inbound call we will not act on
│   ├── NotGenuine            answer 401
│   ├── Malformed             answer 400
│   └── NotHandled            answer 200 and forget
└── Refused                   a request that can't be granted as it stands: tell who asked
    ├── NotFound
    ├── Conflict              somebody else changed it, or it exists already
    └── Invalid               values at fault, field by field

ConfigurationError            outside the tree on purpose: no broad except may swallow it
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from tidegate.words import say


class TidegateError(Exception):
    words: ClassVar[str] = say("Something went wrong in Tidegate.")
    """What it says where nobody knows better."""
    details: Mapping[str, str | int] = MappingProxyType({})
    """The technical details: what another app was asked and answered. They are passed on and shown; nothing decides by them."""

    def __init__(self, message: str = "", *, cure: str = "", **facts: object) -> None:
        self.happened = message or self.words
        """What happened, to which record."""
        super().__init__(f"{self.happened} {cure}" if cure else self.happened)
        self.facts = facts

    @property
    def user_message(self) -> str:
        """What a user of the pages reads: what happened, to which record, what to do (`cure`, where that is said apart)."""
        return str(self)


class TemporaryError(TidegateError):
    words = say("This will be tried again by itself.")

    def __init__(self, message: str = "", *, retry_after: float | None = None, **facts: object) -> None:
        super().__init__(message, cure="", **facts)  # it passes by itself
        self.retry_after = retry_after
        """Seconds to wait before the next attempt, where the other side told us."""


class RateLimited(TemporaryError):
    words = say("Pipedrive asked for fewer requests; the work goes on in a moment.")


class BudgetSpent(TemporaryError):
    words = say("Today’s API budget is used up; the work goes on when it starts again.")


class RemoteUnavailable(TemporaryError):
    """`sent` tells whether the request may have reached the other app: such a write is looked up before it is repeated."""

    words = say("The other app did not answer; the work goes on when it does.")

    def __init__(
        self, message: str = "", *, sent: bool = True, retry_after: float | None = None, **facts: object
    ) -> None:
        super().__init__(message, retry_after=retry_after, **facts)
        self.sent = sent


class ChangedMeanwhile(TemporaryError):
    words = say(
        "Somebody edited the record in this moment; it is looked at again before anything is written."
    )


class LaneLost(TemporaryError):
    words = say("Another worker has taken over this company’s changes; nothing is lost.")


class NeedsAttention(TidegateError):
    words = say("A person must act before this connection can go on.")


class AuthorizationLost(NeedsAttention):
    words = say(
        "Pipedrive no longer accepts this connection’s authorisation. Reconnect it on the Integrations page."
    )


class PermissionMissing(NeedsAttention):
    words = say(
        "The connected Pipedrive user may not do this. Ask a Pipedrive administrator for the right, or reconnect as another user."
    )


class MappingBroken(NeedsAttention):
    words = say(
        "Something the settings name is gone or changed its type. Open the settings and choose again."
    )


class SuspiciousChange(NeedsAttention):
    words = say(
        "An unusual number of records changed at once. Confirm or drop the change on the overview page."
    )


class RecordRejected(TidegateError):
    words = say("This record could not be written; the others went on.")


class InvalidForRemote(RecordRejected):
    words = say("A value does not fit the field it goes to. Correct it and retry.")


class RecordGone(RecordRejected):
    words = say("The record was deleted, merged into another one, or is not visible to the connected user.")


class AmbiguousMatch(RecordRejected):
    words = say("More than one record fits. Choose the right one under Needs attention.")


class DeliveryRejected(TidegateError):
    words = say("An incoming call that is not acted on.")


class NotGenuine(DeliveryRejected):
    words = say("The call did not carry the right credentials.")


class Malformed(DeliveryRejected):
    words = say("The call’s body could not be read.")


class NotHandled(DeliveryRejected):
    words = say("The call is about something Tidegate does not follow.")


class Refused(TidegateError):
    words = say("This can’t be done as asked.")


class NotFound(Refused):
    words = say("There is no such thing here.")


class Conflict(Refused):
    words = say("Somebody else changed this meanwhile, or it exists already.")


class Invalid(Refused):
    words = say("Some values are at fault.")

    def __init__(self, message: str = "", *, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message or self.words)
        self.errors: dict[str, list[str]] = {field: list(texts) for field, texts in (errors or {}).items()}


class ConfigurationError(Exception):
    """A setting of the server is missing or wrong: one line that names it and gives an example."""
