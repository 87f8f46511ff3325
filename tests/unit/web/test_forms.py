"""What every form of the pages has in common, read from the templates themselves."""

import re
from pathlib import Path

import pytest

import tidegate.web

TEMPLATES = Path(tidegate.web.__file__).parent / "templates"
SENT = re.compile(r"<form\b[^>]*method=\"post\"[^>]*>")
FORMS = [
    (path.name, form) for path in sorted(TEMPLATES.rglob("*.html")) for form in SENT.findall(path.read_text())
]


def test_there_are_forms() -> None:
    assert len(FORMS) > 40


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_form_names_the_address_it_is_sent_to(name: str, form: str) -> None:
    """Without one a browser keeps the `#place` of the last error link, and the focus goes there instead of to the errors."""
    assert " action=" in form
