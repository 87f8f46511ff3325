"""What templates show of times, numbers and values. No database, no request."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone
from time_machine import TimeMachineFixture

from tidegate.web.templatetags.tidegate_tags import (
    clock,
    day_clock,
    day_heading,
    duration,
    initials,
    number,
    on_day,
    value,
    when,
)

NOW = datetime(2026, 5, 14, 9, 41, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _time_stands(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.44, "0.4 s"),
        (12, "12 s"),
        (59.4, "59 s"),
        (300, "5 min"),
        (3599, "1 h"),
        (9600, "2 h 40 min"),
        (7200, "2 h"),
        (86400, "1 day"),
        (3 * 86400, "3 days"),
    ],
)
def test_a_length_of_time_is_told_in_the_unit_that_matters(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=1), ">just now<"),
        (timedelta(seconds=6.6), ">7 s ago<"),
        (timedelta(seconds=12), ">12 s ago<"),
        (timedelta(minutes=-5), ">in 5 min<"),
        (timedelta(days=73), ">2 March 2026<"),
    ],
)
def test_under_a_day_time_is_relative_and_always_exact_in_the_element(ago: timedelta, words: str) -> None:
    shown = when(NOW - ago)
    assert words in shown
    assert f'datetime="{(NOW - ago).isoformat(timespec="seconds")}"' in shown


def test_the_clock_is_the_workspaces_and_names_the_day_before_today() -> None:
    with timezone.override("Europe/Stockholm"):
        assert ">11:41:08<" in clock(NOW)
        assert ">13 May 11:41:08<" in clock(NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("at", "heading"),
    [
        ("2026-05-14T00:00:00+02:00", "Today, Thursday 14 May"),
        ("2026-05-13T23:59:59+02:00", "Yesterday, Wednesday 13 May"),
        ("2026-05-13T00:00:00+02:00", "Yesterday, Wednesday 13 May"),
        ("2026-05-12T23:59:59+02:00", "Tuesday 12 May 2026"),
        ("2025-05-14T12:00:00+02:00", "Wednesday 14 May 2025"),
    ],
)
@pytest.mark.parametrize("now", ["2026-05-14T00:00:01+02:00", "2026-05-14T23:59:59+02:00"])
def test_a_day_begins_at_the_workspaces_midnight(
    time_machine: TimeMachineFixture, now: str, at: str, heading: str
) -> None:
    time_machine.move_to(datetime.fromisoformat(now), tick=False)
    with timezone.override("Europe/Stockholm"):
        assert day_heading(datetime.fromisoformat(at)) == heading


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-05-14T00:00:00+02:00", ">Today 00:00:00<"),
        ("2026-05-13T23:59:59+02:00", ">Yesterday 23:59:59<"),
        ("2026-05-12T23:59:59+02:00", ">12 May 23:59:59<"),
        ("2025-05-14T12:00:00+02:00", ">14 May 2025 12:00:00<"),
    ],
)
def test_what_happened_once_is_told_with_its_day(at: str, told: str) -> None:
    with timezone.override("Europe/Stockholm"):
        assert told in day_clock(datetime.fromisoformat(at))


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-05-14T00:00:00+02:00", ">today<"),
        ("2026-05-13T23:59:59+02:00", ">yesterday<"),
        ("2026-04-12T23:59:59+02:00", ">12 Apr<"),
        ("2025-11-14T12:00:00+02:00", ">14 Nov 2025<"),
    ],
)
def test_within_a_line_what_happened_is_told_by_its_day(at: str, told: str) -> None:
    with timezone.override("Europe/Stockholm"):
        assert told in on_day(datetime.fromisoformat(at))


@pytest.mark.parametrize(("given", "shown"), [(1284, "1,284"), (0, "0"), (None, ""), ("", "")])
def test_numbers_have_the_separator_of_the_language(given: object, shown: str) -> None:
    assert number(given) == shown


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Maja Lindqvist", "ML"),
        ("Signe Maria Aaltonen", "SA"),
        ("Aiko", "A"),
        ("bob@x.example", "B"),
        ("", ""),
    ],
)
def test_initials_are_the_first_and_the_last_words(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_values_of_the_log_are_told_in_words() -> None:
    assert value(["Retail", "Energy"], "options") == "Retail, Energy"
    assert value({"amount": "120.5", "currency": "EUR"}, "money") == "120.5 EUR"
    assert value(None, "number") == ""


def test_names_and_values_are_escaped() -> None:
    shown = Template("{% before_after before after %}").render(Context({"before": "<b>", "after": ""}))
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert 'class="nil"' in shown
