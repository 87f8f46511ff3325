"""The one HTTP client: time-outs on every call, foreign errors turned into ours, repeats only where they are safe.

One transport per event loop, made on first use. Whoever sends gives a `Call` and gets an `Answer`, whatever its
status: what a status means is the caller's to say. Nothing here logs, and neither reprs nor messages show headers or
bodies, so no token can leak through them.
"""

import asyncio
import json
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlencode, urlsplit
from weakref import WeakKeyDictionary

import httpx2
import orjson

from tidegate import __version__
from tidegate.adapters.transport import Network
from tidegate.errors import NeedsAttention, RateLimited, RemoteUnavailable, TemporaryError
from tidegate.ports import Clock
from tidegate.words import say

T = TypeVar("T")

USER_AGENT = f"Tidegate/{__version__}"
WHOLE_CALL_SECONDS = 60.0
"""The read time-out starts anew with every byte: a side that trickles must not hold a worker."""

MOST_ATTEMPTS = 3
LONGEST_PAUSE = 10.0
_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `what` names the other side in messages."""

    method: str
    url: str
    what: str = say("The other app")
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: object = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers under lower-case names, and the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def json(self) -> object:
        """The parsed body, or None where it is not JSON."""
        try:
            return read_json(self.body)
        except json.JSONDecodeError:
            return None


def read_json(body: bytes) -> object:
    """The parsed body. What no database stores, NUL and half a surrogate pair, comes as U+FFFD: one such character in
    one record must not cost the whole page. Raises json.JSONDecodeError.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        if b"\\ud" not in body.lower():
            raise
        return _storable(json.loads(body.decode("utf-8", "replace")))
    return _storable(parsed) if b"\\u0000" in body else parsed


def _storable(parsed: Any) -> Any:
    match parsed:
        case str():
            return "".join(
                "\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in parsed
            )
        case list():
            return [_storable(item) for item in parsed]
        case dict():
            return {_storable(key): _storable(value) for key, value in parsed.items()}
        case _:
            return parsed


class Sender(Protocol):
    async def send(self, call: Call) -> Answer:
        """Raises RemoteUnavailable where no answer came, NeedsAttention where the address is none."""
        ...


class Fate(Enum):
    """What an exception of the HTTP library tells about the request."""

    NOT_SENT = "surely never left"
    MAYBE_SENT = "may have arrived"
    BAD_ADDRESS = "no such address can be called"
    BUG = "our own fault: not mapped, it fails the job and is reported"


FATES: Mapping[type[Exception], Fate] = {
    httpx2.ConnectError: Fate.NOT_SENT,
    httpx2.ConnectTimeout: Fate.NOT_SENT,
    httpx2.PoolTimeout: Fate.NOT_SENT,
    httpx2.ReadTimeout: Fate.MAYBE_SENT,
    httpx2.WriteTimeout: Fate.MAYBE_SENT,
    httpx2.ReadError: Fate.MAYBE_SENT,
    httpx2.WriteError: Fate.MAYBE_SENT,
    httpx2.CloseError: Fate.MAYBE_SENT,
    httpx2.ProxyError: Fate.MAYBE_SENT,
    httpx2.LocalProtocolError: Fate.MAYBE_SENT,
    httpx2.RemoteProtocolError: Fate.MAYBE_SENT,
    httpx2.DecodingError: Fate.MAYBE_SENT,
    httpx2.UnsupportedProtocol: Fate.BAD_ADDRESS,
    httpx2.InvalidURL: Fate.BAD_ADDRESS,
    httpx2.TooManyRedirects: Fate.BUG,
    httpx2.HTTPStatusError: Fate.BUG,
    httpx2.SSEError: Fate.BUG,
    httpx2.CookieConflict: Fate.BUG,
    httpx2.StreamConsumed: Fate.BUG,
    httpx2.StreamClosed: Fate.BUG,
    httpx2.ResponseNotRead: Fate.BUG,
    httpx2.RequestNotRead: Fate.BUG,
}
"""Every exception that the library can raise, by exact type; a test fails when it grows another one."""


@contextmanager
def foreign_errors(call: Call) -> Iterator[None]:
    """Nothing of the HTTP library passes this border."""
    try:
        yield
    except TimeoutError as error:
        raise RemoteUnavailable(
            say("{what} took too long to answer; this is tried again by itself.", what=call.what), sent=True
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        match FATES.get(type(error), Fate.MAYBE_SENT):
            case Fate.NOT_SENT:
                raise RemoteUnavailable(
                    say("{what} could not be reached; this is tried again by itself.", what=call.what),
                    sent=False,
                ) from error
            case Fate.MAYBE_SENT:
                raise RemoteUnavailable(
                    say("{what} gave no usable answer; this is tried again by itself.", what=call.what),
                    sent=True,
                ) from error
            case Fate.BAD_ADDRESS:
                raise NeedsAttention(
                    say(
                        "“{address}” is not an address that can be called. Check it and connect again.",
                        address=urlsplit(call.url).netloc,
                    )
                ) from error
            case Fate.BUG:
                raise


class HttpSender:
    """The shared client. Long-lived processes keep one; a short-lived event loop uses it as `async with`."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`transport` takes the network's place."""
        self._given = transport
        self._networks: WeakKeyDictionary[asyncio.AbstractEventLoop, Network] = WeakKeyDictionary()

    async def send(self, call: Call) -> Answer:
        with foreign_errors(call):
            async with asyncio.timeout(WHOLE_CALL_SECONDS):
                if self._given is not None:
                    return await _by(self._given, call)
                status, headers, body = await self._network().fetch(
                    call.method, _address(call), headers=_headers(call), content=_content(call)
                )
        return Answer(status, headers, body)

    def _network(self) -> Network:
        loop = asyncio.get_running_loop()
        network = self._networks.get(loop)
        if network is None:
            network = self._networks[loop] = Network()
        return network

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        network = self._networks.pop(asyncio.get_running_loop(), None)
        if network is not None:
            await network.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _by(transport: httpx2.AsyncBaseTransport, call: Call) -> Answer:
    request = httpx2.Request(call.method, _address(call), headers=_headers(call), content=_content(call))
    response = await transport.handle_async_request(request)
    body = await response.aread()
    return Answer(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, body
    )


def _address(call: Call) -> str:
    return f"{call.url}?{urlencode(call.params)}" if call.params else call.url


def _headers(call: Call) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT, **call.headers}
    if call.json is not None:
        headers["Content-Type"] = "application/json"
    elif call.form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if call.basic is not None:
        headers["Authorization"] = f"Basic {b64encode(':'.join(call.basic).encode()).decode()}"
    return headers


def _content(call: Call) -> bytes | None:
    if call.json is not None:
        return orjson.dumps(call.json)
    return urlencode(call.form).encode() if call.form is not None else None


async def with_repeats(
    attempt: Callable[[], Awaitable[T]],
    *,
    repeatable: bool,
    clock: Clock,
    jitter: Callable[[], float] = _RANDOM.random,
) -> T:
    """Run `attempt`, and again after a moment where it failed for the moment and a repeat is safe.

    Safe is a call that only reads (`repeatable`), and any call that surely was not carried out. A wait longer than some
    seconds is left to the caller, who can do something else meanwhile.
    """
    for number in range(1, MOST_ATTEMPTS + 1):
        try:
            return await attempt()
        except TemporaryError as error:
            pause = error.retry_after if error.retry_after is not None else 0.5 * 2 ** (number - 1)
            last = number == MOST_ATTEMPTS or pause > LONGEST_PAUSE
            if last or not (repeatable or _surely_not_done(error)):
                raise
            await clock.sleep(pause * (1 + jitter() / 2))
    raise AssertionError("the last attempt returns or raises")


def _surely_not_done(error: TemporaryError) -> bool:
    return isinstance(error, RateLimited) or (isinstance(error, RemoteUnavailable) and not error.sent)
