"""Django's `migrate`, by one process at a time: two servers that start together would else run it side by side."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

MIGRATING = 7_461_001
"""The advisory lock; any number that nothing else uses."""


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
            try:
                super().handle(*args, **options)
            finally:
                if connection.connection is not None and not connection.connection.closed:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])
