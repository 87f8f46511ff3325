"""What of an e-mail may be shown: HTML without anything that runs, loads, tracks or leaves its frame.

E-mails are stored as they were sent. Whoever shows one shows what this gives.
"""

import re
from html import escape, unescape

import nh3

TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
"""No images: they tell the sender who reads, and the page's policy would block them."""
ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
WITH_CONTENT = frozenset(
    {"script", "style", "head", "title", "template", "noscript", "iframe", "svg", "math"}
)
"""Dropped with all that is in them; of other tags the text stays."""
LONGEST = 200_000
"""Characters of HTML that are shown; a reader of more reads it elsewhere."""
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags=set(WITH_CONTENT),
    attributes=ATTRIBUTES,
    url_schemes=set(SCHEMES),
    link_rel="noopener noreferrer nofollow",
)
DEEPEST = 300
"""Elements within elements. Deeper ones cost the parser their square in time, and are shown as words alone."""
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_HEADING = re.compile(r"<(/?)h[1-6]>")
_ANY_TAG = re.compile(r"<[^>]*>?")
_NOT_NESTED = frozenset(
    [
        "area",
        "br",
        "col",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "wbr",
        "p",
        "li",
        "dd",
        "dt",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
    ]
)
"""Elements that have no end tag, or need none."""
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6]|/blockquote|hr)\b[^>]*>", re.IGNORECASE)
_TEXT_ONLY = nh3.Cleaner(tags=set(), clean_content_tags=set(WITH_CONTENT))


def clean_html(html: str, text: str = "", *, longest: int = LONGEST) -> str:
    """The e-mail's HTML, or its text where it has none, as HTML that is safe in a page."""
    if html.strip():
        shown = html[:longest]
        if not _is_too_deep(shown):
            # A page has headings of its own, and an e-mail's would be among them.
            return _HEADING.sub(r"<\1p>", _CLEANER.clean(shown)).strip()
        text = unescape(_ANY_TAG.sub(" ", shown))
    paragraphs = [part for part in text[:longest].replace("\r\n", "\n").split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part.strip()).replace(chr(10), '<br>')}</p>" for part in paragraphs)


def plain_text(html: str, *, longest: int = LONGEST) -> str:
    """The words of HTML, with line breaks where it has them."""
    broken = _BREAKS.sub(r"\g<0>\n", html[:longest])
    words = _ANY_TAG.sub(" ", broken) if _is_too_deep(broken) else _TEXT_ONLY.clean(broken)
    lines = [" ".join(line.split()) for line in unescape(words).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _is_too_deep(html: str) -> bool:
    depth = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() not in _NOT_NESTED:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > DEEPEST:
                return True
    return False


def is_shortened(html: str, text: str = "", *, longest: int = LONGEST) -> bool:
    """Whether `clean_html` leaves out the end."""
    return len(html if html.strip() else text) > longest
