"""Which documents are guides, and for whom. The others, for people who change Tidegate, are no part of the help.

The folder `docs` beside this file is a link to that of the repository, so there is one source: a checkout reads the documents
themselves, and a build puts those that `pyproject.toml` names under the link's place.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DOCUMENTS = Path(__file__).parent / "docs"


@dataclass(frozen=True, slots=True)
class Guide:
    path: str
    """Of its Markdown file below `docs`."""
    about: str | Promise
    """What it answers, in a sentence."""

    @property
    def slug(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def text(self) -> str:
        return (DOCUMENTS / self.path).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    title: str | Promise
    guides: tuple[Guide, ...]


GROUPS = (
    Group(
        "use",
        _("For people who use it"),
        (
            Guide(
                "howto/import-prospects.md",
                _("Prospects from a file, from a program or by hand, and out again as CSV."),
            ),
            Guide(
                "howto/bring-in-campaign-events.md",
                _("How Tidegate hears of e-mails that are sent, opened, clicked, answered or bounce."),
            ),
            Guide(
                "howto/automate-with-campaign-events.md",
                _("What can happen in Pipedrive then, and how to try it before it counts."),
            ),
            Guide(
                "howto/read-the-log.md",
                _("What was written, why, and where to look when something was not."),
            ),
            Guide(
                "sync-rules.md",
                _("What is decided about every prospect and person, rule by rule."),
            ),
            Guide("glossary.md", _("What each word means, the same everywhere.")),
        ),
    ),
    Group(
        "run",
        _("For those who run it"),
        (
            Guide(
                "howto/install.md",
                _("On one machine or on many, with which database, behind which proxy; and colleagues."),
            ),
            Guide(
                "howto/register-the-pipedrive-app.md",
                _("What Pipedrive must know before anybody can connect by signing in there."),
            ),
            Guide("howto/upgrade-and-back-up.md", _("How to move to a new version, and back.")),
            Guide("reference/settings.md", _("Every environment variable, with its default.")),
            Guide("reference/commands.md", _("Everything that the command line can do.")),
            Guide("reference/errors.md", _("What each error means, and what happens next.")),
            Guide("reference/api.md", _("How programs do whatever the pages can.")),
        ),
    ),
)
BY_SLUG = {guide.slug: guide for group in GROUPS for guide in group.guides}
BY_PATH = {guide.path: guide for guide in BY_SLUG.values()}
