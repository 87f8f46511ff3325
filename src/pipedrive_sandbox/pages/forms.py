"""The inputs that forms of all pages are made of."""

from typing import Any

from pipedrive_sandbox.pages.layout import text


def field(name: str, label: str, value: Any, kind: str = "text", prefix: str = "") -> str:
    """A labelled input; `prefix` keeps ids apart where a page has several forms."""
    step = " step=any" if kind == "number" else ""
    return (
        f'<div class=field><label for="{prefix}{name}">{text(label)}</label>'
        f'<input class=input id="{prefix}{name}" name="{name}" type={kind}{step} value="{text(value)}"></div>'
    )


def choice(
    name: str, label: str, options: list[tuple[Any, str]], chosen: Any = None, prefix: str = ""
) -> str:
    """A labelled select of (value, words)."""
    rows = "".join(
        f'<option value="{text(value)}"{" selected" if value == chosen else ""}>{text(words)}</option>'
        for value, words in options
    )
    return (
        f'<div class=field><label for="{prefix}{name}">{text(label)}</label>'
        f'<select class=select id="{prefix}{name}" name="{name}">{rows}</select></div>'
    )
