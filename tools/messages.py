"""Gathers every text that people read into a language's catalogue, and compiles it: `make messages LANGUAGE=de`.

What the engine says (`tidegate.words`) is gathered together with what pages say. GNU gettext does the work.
"""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import compilemessages, makemessages

SOURCES = Path(__file__).parents[1] / "src" / "tidegate"


class Gather(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=say", "--keyword=Counted:1,2"]


def main(languages: list[str]) -> None:
    if not languages:
        sys.exit("Name a language. Example: make messages LANGUAGE=de")
    settings.configure(USE_I18N=True, LOCALE_PATHS=[str(SOURCES / "locale")])
    django.setup()
    os.chdir(SOURCES)
    call_command(Gather(), locale=languages, no_wrap=True, add_location="file", no_obsolete=True)
    call_command(compilemessages.Command(), locale=languages)


if __name__ == "__main__":
    main(sys.argv[1:])
