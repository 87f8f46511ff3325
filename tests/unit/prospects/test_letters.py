"""What of an e-mail is shown: nothing that runs, loads, tracks or leaves its frame, and all of its words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.prospects.letters import clean_html, is_shortened, plain_text

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    '<iframe src="https://evil.example"></iframe>',
    "<style>body{display:none}</style>",
    '<p style="position:fixed;inset:0">x</p>',
    '<form action="https://evil.example"><input name="password"><button>Go</button></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<base href="https://evil.example">',
    '<link rel="stylesheet" href="https://evil.example/a.css">',
    '<object data="x"></object><embed src="x">',
    '<p id="main" class="shell" onclick="x()">x</p>',
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<!--><script>alert(1)</script-->",
    '"><script>alert(1)</script>',
]
FORBIDDEN = re.compile(
    r"<(script|img|iframe|svg|math|style|form|input|button|meta|base|link|object|embed)|<[^>]*\s(on\w+|style|id|class|src)=|"
    r"href=\"(javascript|data):",
    re.IGNORECASE,
)


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_hostile_is_left(html: str):
    assert not FORBIDDEN.search(clean_html(html))


@given(
    st.lists(st.sampled_from([*HOSTILE, "<p>", "</p>", "text", "<", ">", '"', "&lt;script&gt;"]), max_size=8)
)
def test_nothing_hostile_is_left_of_any_mixture(pieces: list[str]):
    assert not FORBIDDEN.search(clean_html("".join(pieces)))


def test_what_was_cleaned_stays_as_it_is():
    for html in HOSTILE:
        assert clean_html(clean_html(html)) == clean_html(html)


def test_words_links_lists_and_tables_stay():
    html = '<p>Hi <b>Inês</b>, see <a href="https://northlight.example">us</a>.</p><ul><li>one</li></ul>'
    assert clean_html(html) == (
        '<p>Hi <b>Inês</b>, see <a href="https://northlight.example" rel="noopener noreferrer nofollow">us</a>.</p>'
        "<ul><li>one</li></ul>"
    )


def test_text_is_shown_in_paragraphs_where_there_is_no_html():
    assert clean_html("", "Hi <Inês>,\n\nbest\nMaja\n") == "<p>Hi &lt;Inês&gt;,</p><p>best<br>Maja</p>"


def test_an_empty_email_shows_nothing():
    assert clean_html("", "") == ""


def test_of_a_very_long_email_the_beginning_is_shown_and_said_so():
    html = "<p>" + "x" * 300_000
    assert len(clean_html(html)) < 200_100
    assert is_shortened(html)
    assert not is_shortened("<p>short</p>")


@pytest.mark.parametrize("opening", ["<div>", "<b>", "<b><p>", "<table><tr><td>", "<a href='#'><font>"])
def test_what_is_nested_without_end_is_shown_as_words(opening: str):
    html = opening * 10_000 + "<script>alert(1)</script>the end"
    for shown in (clean_html(html), plain_text(html)):
        assert "<script" not in shown
        assert "the end" in shown


def test_ordinary_nesting_and_tags_that_need_no_end_are_no_nesting():
    html = "<table>" + "<tr><td>cell" * 2_000 + "</table>" + "<p>line<br>" * 2_000
    assert clean_html(html).count("<td>") == 2_000


def test_the_words_of_html_keep_their_lines():
    html = "<style>p{}</style><p>Hi&nbsp;Inês,</p><p>Best<br>Maja &amp; team</p>"
    assert plain_text(html) == "Hi Inês,\nBest\nMaja & team"
