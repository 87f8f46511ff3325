"""How a guide's Markdown becomes a page, and which documents are guides."""

import re
import tomllib
from pathlib import Path

import pytest

from tidegate.web.help import guides
from tidegate.web.help.guides import BY_PATH, BY_SLUG, DOCUMENTS, GROUPS, Guide
from tidegate.web.help.rendering import GuidePage, Heading, rendered

ROOT = Path(__file__).parents[3]


class Shelf:
    """Documents made up for a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def page(self, text: str, path: str = "howto/made-up.md") -> GuidePage:
        file = self.folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return rendered(Guide(path, ""))

    def html(self, text: str) -> str:
        return str(self.page(f"# Title\n\n{text}").html).strip()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(guides, "DOCUMENTS", tmp_path)
    return Shelf(tmp_path)


# --- Which documents


def test_every_document_for_people_who_use_or_run_it_is_a_guide_and_no_other() -> None:
    docs = ROOT / "docs"
    meant = [
        *docs.glob("howto/*.md"),
        *docs.glob("reference/*.md"),
        docs / "glossary.md",
        docs / "sync-rules.md",
    ]
    assert set(BY_PATH) == {path.relative_to(docs).as_posix() for path in meant}


def test_no_guide_is_listed_twice_and_no_two_have_one_address() -> None:
    listed = [guide for group in GROUPS for guide in group.guides]
    assert len(listed) == len(BY_SLUG) == len(BY_PATH)


def test_the_guides_are_the_documents_themselves() -> None:
    assert DOCUMENTS.resolve() == ROOT / "docs"


def test_a_build_holds_every_guide_and_no_other_document() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["tidegate"]
    package = ROOT / "src" / "tidegate"
    packed = {path for pattern in patterns if "help/docs" in pattern for path in package.glob(pattern)}
    assert packed == {DOCUMENTS / path for path in BY_PATH}


def test_the_image_is_built_with_the_documents() -> None:
    assert "!docs" in (ROOT / ".dockerignore").read_text().splitlines()
    assert "COPY docs ./docs" in (ROOT / "Dockerfile").read_text()


def test_pages_lead_only_to_guides_that_there_are() -> None:
    templates = (ROOT / "src" / "tidegate").rglob("*.html")
    named = re.findall(r'"help-guide" "([^"]+)"', "".join(path.read_text() for path in templates))
    assert named
    assert set(named) <= set(BY_SLUG)


# --- Title, headings, contents


def test_the_first_heading_is_the_title_and_is_not_shown_twice(shelf: Shelf) -> None:
    page = shelf.page("# Read *the* `log`\n\nText.")
    assert page.title == "Read the log"
    assert page.html == "<p>Text.</p>\n"


def test_headings_have_ids_as_the_documents_link_to_them_and_the_second_level_is_the_contents(
    shelf: Shelf,
) -> None:
    page = shelf.page("# T\n\n## With `uv`, again: 1.2\n\n### Deeper\n\n## Deeper\n")
    assert page.contents == (
        Heading("with-uv-again-12", "With uv, again: 1.2"),
        Heading("deeper-1", "Deeper"),
    )
    assert '<h2 id="with-uv-again-12">' in page.html
    assert '<h3 id="deeper">' in page.html


# --- Links and pictures


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[x](install.md)", '<a href="/help/install/">x</a>'),
        ("[x](../reference/api.md#campaign-events)", '<a href="/help/api/#campaign-events">x</a>'),
        ("[x](../sync-rules.md)", '<a href="/help/sync-rules/">x</a>'),
        ("[x](#here)", '<a href="#here">x</a>'),
        ("[x](https://a.example/b)", '<a href="https://a.example/b" rel="noopener noreferrer">x</a>'),
    ],
)
def test_a_link_to_a_guide_leads_to_its_page_and_others_stay(shelf: Shelf, written: str, shown: str) -> None:
    assert shelf.html(written) == f"<p>{shown}</p>"


@pytest.mark.parametrize(
    "written",
    [
        "[the *log*](../../CHANGELOG.md)",
        "[the *log*](../architecture.md#layers)",
        "[the *log*](/etc/passwd)",
        "[the *log*](mailto:ann@example.com)",
        "[the *log*](//a.example/b)",
        "[the *log*]()",
    ],
)
def test_a_link_to_anything_else_is_plain_text(shelf: Shelf, written: str) -> None:
    assert shelf.html(f"See {written}, and [x](install.md).") == (
        '<p>See the <em>log</em>, and <a href="/help/install/">x</a>.</p>'
    )


def test_a_picture_is_its_words(shelf: Shelf) -> None:
    assert shelf.html("![The overview](../images/overview.png)") == "<p>The overview</p>"


# --- What a policy without inline styles and scripts allows


def test_html_in_a_document_is_text(shelf: Shelf) -> None:
    html = shelf.html("<script>alert(1)</script>\n\nA <b onclick=x>b</b>.\n\n[x](javascript:alert)")
    assert "<script" not in html
    assert "<b " not in html
    assert "href" not in html


def test_a_table_scrolls_inside_itself_and_is_named_by_its_heading(shelf: Shelf) -> None:
    html = shelf.html("## Parts\n\n| a | n |\n| --- | ---: |\n| x | 1 |")
    assert (
        '<div tabindex="0" role="group" aria-labelledby="parts" class="scroll"><table class="table">' in html
    )
    assert html.endswith("</table></div>")
    assert '<th scope="col">a</th>' in html
    assert '<td class="num">1</td>' in html
    assert "style" not in html


def test_code_is_shown_as_it_is_and_scrolls_by_keyboard(shelf: Shelf) -> None:
    assert shelf.html('```sh\necho "<a>" && ls\n```') == (
        '<div class="code"><pre tabindex="0" role="group" aria-labelledby="guide-title"><code>'
        "echo &quot;&lt;a&gt;&quot; &amp;&amp; ls\n</code></pre></div>"
    )
