"""What `tidegate up` does before it starts the rest: migrations and static files."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Bring the database to this version and collect the static files."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        pending = pending_migrations()
        if pending:
            self.stdout.write(f"Bringing the database to this version ({len(pending)} steps).")
            call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)


def pending_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
