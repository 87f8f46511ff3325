import asyncio
import json

import httpx2
import pytest

from tidegate.adapters.http import (
    FATES,
    Answer,
    Call,
    Fate,
    HttpSender,
    foreign_errors,
    read_json,
    with_repeats,
)
from tidegate.errors import BudgetSpent, NeedsAttention, RateLimited, RecordGone, RemoteUnavailable
from tidegate.testing.clock import ManualClock

SECRET = "v1u:secret-token"


def call(**changes) -> Call:
    facts = {"method": "GET", "url": "https://acme.example/api/v2/persons", "what": "Pipedrive"} | changes
    return Call(**facts)


def leaves(parent: type[Exception]) -> set[type[Exception]]:
    children = [child for child in parent.__subclasses__() if child.__module__.startswith("httpx2")]
    return set().union(*map(leaves, children)) if children else {parent}


def exceptions_of_the_library() -> set[type[Exception]]:
    named = {
        thing
        for name in httpx2.__all__
        if isinstance(thing := getattr(httpx2, name), type) and issubclass(thing, Exception)
    }
    return {leaf for exception in named for leaf in leaves(exception)}


def test_every_exception_of_the_library_is_mapped():
    assert exceptions_of_the_library() == set(FATES)


def raised_by(fate: Fate) -> list[type[Exception]]:
    return [exception for exception, its in FATES.items() if its is fate]


def made(exception: type[Exception]) -> Exception:
    return exception("it broke") if exception is not httpx2.HTTPStatusError else exception.__new__(exception)


@pytest.mark.parametrize("exception", raised_by(Fate.NOT_SENT))
def test_a_request_that_surely_never_left_is_told_so(exception):
    with pytest.raises(RemoteUnavailable) as caught, foreign_errors(call()):
        raise made(exception)
    assert caught.value.sent is False
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("exception", raised_by(Fate.MAYBE_SENT))
def test_where_it_is_not_known_the_request_counts_as_sent(exception):
    with pytest.raises(RemoteUnavailable) as caught, foreign_errors(call()):
        raise made(exception)
    assert caught.value.sent is True


@pytest.mark.parametrize("exception", raised_by(Fate.BAD_ADDRESS))
def test_an_address_that_is_none_needs_a_person(exception):
    with pytest.raises(NeedsAttention, match=r"acme\.example"), foreign_errors(call()):
        raise made(exception)


@pytest.mark.parametrize("exception", [e for e in raised_by(Fate.BUG) if issubclass(e, httpx2.HTTPError)])
def test_our_own_faults_are_not_dressed_up(exception):
    with pytest.raises(exception), foreign_errors(call()):
        raise made(exception)


def test_a_time_out_of_the_whole_call_counts_as_sent():
    with pytest.raises(RemoteUnavailable) as caught, foreign_errors(call()):
        raise TimeoutError
    assert caught.value.sent is True


async def test_an_answer_comes_back_whatever_its_status():
    async with HttpSender(httpx2.MockTransport(lambda request: httpx2.Response(418, json={"a": 1}))) as http:
        answer = await http.send(call())
    assert (answer.status, answer.json()) == (418, {"a": 1})


async def test_a_call_carries_what_it_was_given():
    seen: list[httpx2.Request] = []

    def server(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={})

    async with HttpSender(httpx2.MockTransport(server)) as http:
        await http.send(call(params={"ids": "1,2"}, headers={"X-A": "b"}))
        await http.send(call(method="POST", json={"name": "Ann"}))
        await http.send(call(method="POST", form={"code": "1"}, basic=("id", "secret")))
    get, post, form = seen
    assert get.url.params["ids"] == "1,2"
    assert get.headers["x-a"] == "b"
    assert get.headers["user-agent"].startswith("Tidegate/")
    assert json.loads(post.content) == {"name": "Ann"}
    assert post.headers["content-type"] == "application/json"
    assert form.content == b"code=1"
    assert form.headers["authorization"].startswith("Basic ")


async def test_redirects_are_not_followed():
    server = httpx2.MockTransport(
        lambda request: httpx2.Response(302, headers={"location": "https://evil.example"})
    )
    async with HttpSender(server) as http:
        assert (await http.send(call())).status == 302


def test_each_event_loop_has_a_client_of_its_own():
    http = HttpSender()

    async def twice() -> tuple[object, object]:
        async with http:
            return http._network(), http._network()

    one = asyncio.run(twice())
    other = asyncio.run(twice())
    assert one[0] is one[1]
    assert other[0] is not one[0]


def test_no_repr_shows_a_token():
    shown = repr(
        call(
            headers={"Authorization": SECRET},
            json={"api_token": SECRET},
            form={"t": SECRET},
            basic=("id", SECRET),
        )
    ) + repr(Answer(200, {"x": SECRET}, SECRET.encode()))
    assert SECRET not in shown


def test_a_body_that_is_not_json_is_none():
    assert Answer(403, {"content-type": "text/html"}, b"<html>").json() is None


class Attempts:
    """Fails with the given errors, one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def repeated(attempts: Attempts, *, repeatable: bool) -> tuple[str, ManualClock]:
    clock = ManualClock()
    answer = await with_repeats(attempts, repeatable=repeatable, clock=clock, jitter=lambda: 0.0)
    return answer, clock


async def test_a_read_is_tried_again_with_growing_pauses():
    answer, clock = await repeated(Attempts(RemoteUnavailable(), RemoteUnavailable()), repeatable=True)
    assert answer == "answer"
    assert clock.slept == [0.5, 1.0]


async def test_a_read_is_given_up_after_three_attempts():
    attempts = Attempts(*[RemoteUnavailable()] * 5)
    with pytest.raises(RemoteUnavailable):
        await repeated(attempts, repeatable=True)
    assert attempts.count == 3


async def test_a_write_that_may_have_arrived_is_never_sent_again():
    attempts = Attempts(RemoteUnavailable(sent=True))
    with pytest.raises(RemoteUnavailable):
        await repeated(attempts, repeatable=False)
    assert attempts.count == 1


@pytest.mark.parametrize("error", [RemoteUnavailable(sent=False), RateLimited(retry_after=2)])
async def test_a_write_that_surely_was_not_done_is_sent_again(error):
    assert (await repeated(Attempts(error), repeatable=False))[0] == "answer"


async def test_the_pause_the_other_side_asked_for_is_kept():
    _, clock = await repeated(Attempts(RateLimited(retry_after=7)), repeatable=True)
    assert clock.slept == [7]


@pytest.mark.parametrize("error", [RateLimited(retry_after=600), BudgetSpent(retry_after=3600)])
async def test_a_long_pause_is_left_to_the_caller(error):
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        await repeated(attempts, repeatable=True)
    assert attempts.count == 1


async def test_a_refusal_is_not_tried_again():
    attempts = Attempts(RecordGone())
    with pytest.raises(RecordGone):
        await repeated(attempts, repeatable=True)
    assert attempts.count == 1


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (rb'{"a": ["x\u0000y", 1]}', {"a": ["x\ufffdy", 1]}),
        (rb'{"a": "cut \ud83d"}', {"a": "cut \ufffd"}),
        (rb'{"\uDE00": null}', {"\ufffd": None}),
        (rb'{"a": "\ud83d\ude00 \\u0000 \\ud800"}', {"a": "\U0001f600 \\u0000 \\ud800"}),
    ],
)
def test_one_character_that_no_database_stores_costs_no_page(body, read):
    assert read_json(body) == read
    assert Answer(200, body=body).json() == read
    json.dumps(read).encode()


def test_what_is_not_json_is_none():
    assert Answer(200, body=rb'{"a": "\ud83d"').json() is None
    assert Answer(200, body=b"<html>").json() is None
