"""How one campaign event is read: what is refused and why, what counts as the same telling, which replies are automatic."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.prospects.events.automatic import is_automatic
from tidegate.prospects.events.content import MAX_BODY, differences, read_event
from tidegate.prospects.models import EventType

NOW = datetime(2026, 5, 13, 12, 0, tzinfo=UTC)
GOOD = {
    "key": "e1",
    "type": "email_opened",
    "at": "2026-05-11T08:00:00Z",
    "prospect": {"email": "Ines@Brightwater.example"},
}


def told(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not None}


def faults(**changes: Any) -> dict[str, list[str]]:
    return read_event(told(**changes), NOW)[1]


def test_an_address_is_read_in_normal_form_and_a_time_with_its_zone():
    event, wrong = read_event(told(at="2026-05-11T10:00:00+02:00"), NOW)
    assert not wrong
    assert event.recipient == "ines@brightwater.example"
    assert event.at == datetime(2026, 5, 11, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        ("key", {"key": None}),
        ("key", {"key": "   "}),
        ("key", {"key": "x" * 201}),
        ("type", {"type": None}),
        ("type", {"type": {"name": "email_sent"}}),
        ("at", {"at": None}),
        ("at", {"at": "yesterday"}),
        ("at", {"at": "2026-05-11T08:00:00"}),
        ("at", {"at": 1_778_000_000}),
        ("at", {"at": "1970-01-01T00:00:00Z"}),
        ("at", {"at": "2026-05-13T12:16:00Z"}),
        ("prospect", {"prospect": None}),
        ("prospect", {"prospect": "ines@brightwater.example"}),
        ("prospect.email", {"prospect": {"email": "not an address"}}),
        ("prospect.name", {"prospect": {"email": "a@b.example", "name": "Inês"}}),
        ("campaign", {"campaign": "Q2"}),
        ("campaign.name", {"campaign": {"name": "x" * 201}}),
        ("email.body", {"email": {"body": "<p>Hi</p>"}}),
        ("email.html", {"email": {"html": "x" * (MAX_BODY + 1)}}),
        ("email.subject", {"email": {"subject": ["Hi"]}}),
        ("email.text", {"email": {"text": "a\x00b"}}),
        ("url", {"url": "https://example.com/" + "x" * 20_000}),
        ("automatic", {"automatic": "yes"}),
        ("headers", {"headers": ["Auto-Submitted: auto-replied"]}),
        ("colour", {"colour": "red"}),
    ],
)
def test_what_is_wrong_is_told_at_its_place(place: str, changes: dict[str, Any]):
    assert list(faults(**changes)) == [place]


def test_all_faults_are_told_at_once():
    assert set(faults(key=None, at="soon", prospect={"email": "?"}, x=1)) == {
        "key",
        "at",
        "prospect.email",
        "x",
    }


def test_five_megabytes_of_html_are_taken():
    event, wrong = read_event(told(email={"html": "x" * MAX_BODY}), NOW)
    assert not wrong
    assert len(event.html) == MAX_BODY


def test_too_much_html_is_refused_with_both_sizes():
    (text,) = faults(email={"html": "x" * (MAX_BODY + 1)})["email.html"]
    assert text == "Too long: 5,242,881 of 5,242,880 characters."


def test_an_event_may_be_known_by_its_email_alone():
    assert not faults(prospect=None, email={"id": "m1"})
    assert not faults(prospect=None, email={"message_id": "<abc@mail.example>"})


def test_a_clock_that_is_a_little_fast_is_no_fault():
    assert not faults(at="2026-05-13T12:14:59Z")


def test_a_type_that_nobody_knows_is_read():
    event, wrong = read_event(told(type="linkedin_viewed"), NOW)
    assert not wrong
    assert event.type == "linkedin_viewed"


def test_an_auto_reply_by_its_own_name_is_an_automatic_reply():
    event, _ = read_event(told(type="auto_replied"), NOW)
    assert (event.type, event.automatic) == (EventType.EMAIL_REPLIED, True)


def test_the_same_event_spelled_otherwise_is_the_same():
    first, _ = read_event(told(), NOW)
    second, _ = read_event(
        told(at="2026-05-11T10:00:00+02:00", prospect={"email": " ines@BRIGHTWATER.example "}),
        NOW + timedelta(days=1),
    )
    assert first.digest == second.digest


def test_a_fast_clock_does_not_make_a_second_telling_another_one():
    first, _ = read_event(told(at="2026-05-13T12:10:00Z"), NOW)
    second, _ = read_event(told(at="2026-05-13T12:10:00Z"), NOW + timedelta(minutes=5))
    assert first.digest == second.digest


@given(
    field=st.sampled_from(["type", "at", "url", "reason", "prospect", "campaign", "email", "automatic"]),
    word=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
)
def test_any_other_content_has_another_digest_and_is_named(field: str, word: str):
    other: dict[str, Any] = {
        "at": "2026-05-11T08:00:01Z",
        "prospect": {"id": word},
        "campaign": {"name": word},
        "email": {"subject": word},
        "automatic": True,
    }
    before, _ = read_event(told(), NOW)
    after, wrong = read_event(told(**{field: other.get(field, word)}), NOW)
    assert not wrong
    assert before.digest != after.digest
    assert differences(before, after)


def test_differences_are_said_in_words():
    before, _ = read_event(told(url="https://a.example"), NOW)
    after, _ = read_event(told(url="https://b.example", email={"subject": "Hello"}), NOW)
    assert differences(before, after) == [
        "email.subject was not there and is now “Hello”",
        "url was “https://a.example” and is now “https://b.example”",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"auto-submitted": "auto-generated; owner-email=x@example.com"},
        {"X-Autoreply": "yes"},
        {"X-Autorespond": "Re: Hello"},
        {"Precedence": "auto_reply"},
        {"Precedence": "Bulk"},
        {"Return-Path": "<>"},
    ],
)
def test_a_reply_that_says_so_is_automatic(headers: dict[str, str]):
    assert is_automatic(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto-Submitted": "no"},
        {"Auto-Submitted": ""},
        {"X-Autoreply": "no"},
        {"Precedence": "normal"},
        {"Return-Path": "<ines@brightwater.example>"},
        {"Subject": "Out of office supplies"},
    ],
)
def test_a_reply_of_a_person_is_not_automatic(headers: dict[str, str]):
    assert not is_automatic(headers)


def test_an_empty_envelope_sender_makes_it_automatic_and_an_unknown_one_does_not():
    assert is_automatic({}, envelope_sender="")
    assert not is_automatic({}, envelope_sender=None)
    assert not is_automatic({}, envelope_sender="ines@brightwater.example")
