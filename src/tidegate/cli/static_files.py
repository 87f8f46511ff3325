"""The static files, collected into TIDEGATE_HOME/static under names that carry a hash of their content."""

from tidegate import __version__
from tidegate.config import config

STAMP = config.home / "static" / ".version"
"""Which version's files they are; written last."""


def collect_static_files() -> None:
    from django.core.management import call_command

    STAMP.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    STAMP.write_text(__version__)


def are_collected() -> bool:
    return STAMP.exists() and STAMP.read_text() == __version__
