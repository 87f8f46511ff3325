"""What is kept of a refused call for whoever looks into it, and what never is."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.scripted_pipedrive import ScriptedPipedrive, no
from tidegate.adapters.http import Answer, Call
from tidegate.adapters.pipedrive.details import LONGEST_TEXT, details_of
from tidegate.errors import RecordGone, TidegateError
from tidegate.services.credentials import PersonalToken

AT = datetime(2026, 5, 12, 9, 40, 7, 350_000, tzinfo=UTC)
TOKEN = "v1u:AQIBAHj-very-secret"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def told(body: Any, *, status: int = 400, call: Call | None = None, at: datetime = AT) -> dict[str, Any]:
    asked = call or Call("PATCH", "https://acme.example/api/v2/persons/12", json={"name": "Ada Wren"})
    return details_of(asked, Answer(status, body=json.dumps(body).encode()), HEADERS, at=at)


def text_of(error: str, **more: Any) -> str:
    return str(told({"success": False, "error": error, **more})["text"])


def test_the_call_and_its_answer_are_told_as_they_were():
    body = {"success": False, "error": "Validation failed: name: too long", "code": "ERR_SCHEMA"}
    assert told(body) == {
        "method": "PATCH",
        "path": "/api/v2/persons/12",
        "status": 400,
        "text": "Validation failed: name: too long",
        "code": "ERR_SCHEMA",
        "at": "2026-05-12T09:40:07+00:00",
    }


def test_the_moment_is_told_in_utc():
    there = AT.astimezone(timezone(timedelta(hours=2)))
    assert told({}, at=there)["at"] == "2026-05-12T09:40:07+00:00"


def test_what_more_the_answer_explains_stands_on_a_line_of_its_own():
    assert text_of("Entity was not found.", error_info="Object was not found.") == (
        "Entity was not found\nObject was not found."
    )


@pytest.mark.parametrize("body", [None, [], "no", {"error": None}, {"code": 7}])
def test_an_answer_without_words_has_none(body: Any):
    found = told(body)
    assert (found["text"], found["code"]) == ("", "")


def test_a_query_shows_ids_and_words_of_the_api_and_no_value_that_may_be_a_persons():
    params: dict[str, str | int] = {"ids": "1,2", "limit": 100, "term": "ada@wren.example", "cursor": "abc"}
    call = Call("GET", "https://acme.example/api/v2/persons", params=params)
    assert told({}, call=call)["path"] == "/api/v2/persons?ids=1,2&limit=100&term=…&cursor=…"


def test_nothing_that_was_sent_is_kept():
    assert "Ada Wren" not in json.dumps(told({"error": "No."}))


@pytest.mark.parametrize(
    "echo",
    [
        f"Bad request from Bearer {TOKEN}",
        f"Token {TOKEN} may not do this",
        "Authorization: Bearer another-secret-of-ours",
        "Authorization: Basic another-secret-of-ours",
        "api_token=another-secret-of-ours&x=1",
        '{"client_secret": "another-secret-of-ours"}',
        "refresh_token: another-secret-of-ours",
        "password=another-secret-of-ours",
    ],
)
def test_an_answer_that_repeats_a_secret_is_kept_without_it(echo: str):
    found = told({"error": echo, "error_info": echo, "code": echo})
    shown = json.dumps(found)
    assert "secret-of-ours" not in shown
    assert TOKEN not in shown
    assert "…" in str(found["text"])


def test_words_about_tokens_stay_as_they_are():
    assert text_of("The bearer token is not valid") == "The bearer token is not valid"


def test_characters_that_steer_a_terminal_or_the_writing_are_taken_out():
    assert text_of("  one\ntwo\x1b[31m\u202eeerht\x07  ") == "one\ntwo[31meerht"


def test_a_text_without_end_is_cut():
    assert text_of("x" * 9000) == "x" * (LONGEST_TEXT - 1) + "…"


async def test_a_refusal_carries_the_details_of_the_call_that_was_refused():
    scripted = ScriptedPipedrive(credentials=PersonalToken("token-000"))
    crm = await scripted.ready()
    scripted.answers("DELETE", "/api/v2/persons/7", no(405, "Method not allowed for token-000"))

    with pytest.raises(TidegateError, match="Method not allowed") as caught:
        await crm.remove_person("7")

    details = caught.value.details
    assert (details["method"], details["path"], details["status"]) == ("DELETE", "/api/v2/persons/7", 405)
    assert "token-000" not in json.dumps(dict(details))
    assert details["at"] == scripted.clock.now().isoformat(timespec="seconds")


def test_an_error_of_our_own_has_none():
    assert RecordGone().details == {}
