"""Options of a select as HTML, written here rather than in a template: there may be a thousand, in many selects of a page."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString, mark_safe


def options(pairs: Iterable[tuple[str, str]], chosen: str | None = None) -> SafeString:
    """An option for each (value, text), that of the chosen value selected. Escaped as in a template, several times quicker."""
    made = (
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in pairs
    )
    return mark_safe("".join(made))  # noqa: S308 (escaped above)
