"""What Tidegate's own management commands have in common."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tidegate.errors import Invalid, TidegateError


class TidegateCommand(BaseCommand):
    """No options of Django's that mean nothing here; no checks that only tests need."""

    requires_system_checks = []
    suppressed_base_arguments = {"--version", "--settings", "--pythonpath", "--traceback", "--skip-checks"}
    _called_from_command_line: bool
    """Django's own word for it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """A fault is said to the operator without the name of its class; called from code, it is raised."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if not self._called_from_command_line:
                raise
            self.stderr.write(str(error))
            sys.exit(error.returncode)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What the service refuses is one line for the operator."""
    try:
        yield
    except Invalid as error:
        reasons = " ".join(text for texts in error.errors.values() for text in texts)
        raise CommandError(reasons or str(error)) from error
    except TidegateError as error:
        raise CommandError(error.user_message) from error
