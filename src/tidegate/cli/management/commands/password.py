"""`tidegate password EMAIL`: a link by which somebody who forgot their password chooses a new one."""

from typing import Any

from django.core.management.base import CommandParser

from tidegate.cli.commands import TidegateCommand, plain_errors
from tidegate.wiring.passwords import HOURS, find_user, password_link


class Command(TidegateCommand):
    help = "Print a link by which a user chooses a new password. It works once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="what they sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_errors():
            user = find_user(options["email"])
        self.stdout.write(
            f"{user.name or user.email} chooses a new password here, once, within {HOURS} hours:"
        )
        self.stdout.write(password_link(user))
