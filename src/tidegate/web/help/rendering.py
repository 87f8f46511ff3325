"""From the Markdown of a guide to its page: a title, contents, and HTML that needs neither inline styles nor other servers.

What a guide says is shown as it is; only its links change. One to another guide leads to its page, one to a document that is
no guide becomes plain text, and a picture its words. HTML within Markdown is text like any other.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tidegate.web.help.guides import BY_PATH, BY_SLUG, Guide

TITLE_ID = "guide-title"
_NOT_IN_AN_ID = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Heading:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class GuidePage:
    title: str
    html: SafeString
    contents: tuple[Heading, ...]


@cache
def page_of(slug: str) -> GuidePage:
    """The page of a guide. Documents don't change while a server runs."""
    return rendered(BY_SLUG[slug])


def rendered(guide: Guide) -> GuidePage:
    return _Rendering(guide).page()


@dataclass
class _Rendering:
    guide: Guide
    ids: set[str] = field(default_factory=lambda: {TITLE_ID})
    contents: list[Heading] = field(default_factory=list)

    def page(self) -> GuidePage:
        tokens = _MARKDOWN.parse(self.guide.text)
        title, rest = _split_title(tokens)
        html = _MARKDOWN.renderer.render(self._prepared(rest), _MARKDOWN.options, {})
        safe = mark_safe(html)  # noqa: S308 (raw HTML is off, and the rules below escape what they set in)
        return GuidePage(title, safe, tuple(self.contents))

    def _prepared(self, tokens: Sequence[Token]) -> list[Token]:
        """The same with ids, links that lead somewhere, and names for what scrolls."""
        heading = TITLE_ID
        for number, token in enumerate(tokens):
            match token.type:
                case "heading_open":
                    heading = self._with_id(token, words_of(tokens[number + 1]))
                case "inline":
                    token.children = list(self._linked(token.children or []))
                case "table_open" | "fence" | "code_block":
                    token.meta["named_by"] = heading
                case "th_open" | "td_open":
                    _without_style(token)
        return list(tokens)

    def _with_id(self, token: Token, text: str) -> str:
        found = self._free_id(text)
        token.attrSet("id", found)
        if token.tag == "h2":
            self.contents.append(Heading(found, text))
        return found

    def _free_id(self, text: str) -> str:
        """The id that GitHub gives such a heading, by which the documents link to it."""
        wanted = _NOT_IN_AN_ID.sub("", text.lower()).replace(" ", "-")
        found, number = wanted, 0
        while found in self.ids:
            number += 1
            found = f"{wanted}-{number}"
        self.ids.add(found)
        return found

    def _linked(self, tokens: Sequence[Token]) -> Iterator[Token]:
        leads = True
        for token in tokens:
            match token.type:
                case "link_open":
                    leads = self._led(token)
                    if leads:
                        yield token
                case "link_close":
                    if leads:
                        yield token
                case "image":
                    yield Token("text", "", 0, content=token.content)
                case _:
                    yield token

    def _led(self, token: Token) -> bool:
        """Where a link leads from here; False where that is nowhere."""
        written = str(token.attrs["href"])
        parts = urlsplit(written)
        if parts.scheme in ("http", "https"):
            token.attrSet("rel", "noopener noreferrer")
            return True
        if parts.scheme or parts.netloc:
            return False
        if not parts.path:
            return bool(parts.fragment)
        folder = posixpath.dirname(self.guide.path)
        guide = BY_PATH.get(posixpath.normpath(posixpath.join(folder, parts.path)))
        if guide is None:
            return False
        address = reverse("help-guide", args=[guide.slug])
        token.attrSet("href", f"{address}#{parts.fragment}" if parts.fragment else address)
        return True


def _split_title(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """The words of the first heading, and what follows it."""
    if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return words_of(tokens[1]), tokens[3:]
    return "", tokens


def words_of(inline: Token) -> str:
    kinds = ("text", "code_inline")
    return "".join(token.content for token in inline.children or [] if token.type in kinds)


def _without_style(token: Token) -> None:
    """Columns of numbers are aligned by a class: the pages' policy knows no inline styles."""
    if token.attrs.pop("style", None) == "text-align:right":
        token.attrSet("class", "num")
    if token.tag == "th":
        token.attrSet("scope", "col")


def _scrolling(tag: str, token: Token) -> SafeString:
    """What is wider than a phone scrolls inside itself, also by keyboard, and is called by the heading above it."""
    return format_html('<{} tabindex="0" role="group" aria-labelledby="{}"', tag, token.meta["named_by"])


def _open_table(_: object, tokens: Sequence[Token], number: int, *__: object) -> str:
    return f'{_scrolling("div", tokens[number])} class="scroll"><table class="table">\n'


def _close_table(*_: object) -> str:
    return "</table></div>\n"


def _code(_: object, tokens: Sequence[Token], number: int, *__: object) -> str:
    token = tokens[number]
    return f'<div class="code">{_scrolling("pre", token)}>{format_html("<code>{}</code>", token.content)}</pre></div>\n'


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", _close_table)
    markdown.add_render_rule("fence", _code)
    markdown.add_render_rule("code_block", _code)
    return markdown


_MARKDOWN = _markdown()
