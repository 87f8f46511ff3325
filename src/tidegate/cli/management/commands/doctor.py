"""`tidegate doctor`: checks this installation; exit code 1 where something is at fault."""

import sys
from typing import Any

from tidegate.cli.commands import TidegateCommand
from tidegate.cli.diagnosis import Level, diagnose


class Command(TidegateCommand):
    help = "Check this installation: settings, database, workers, addresses."

    def handle(self, *args: Any, **options: Any) -> None:
        styles = {
            Level.GOOD: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.FAULT: self.style.ERROR,
        }
        faulty = False
        for finding in diagnose():
            faulty = faulty or finding.level is Level.FAULT
            label = styles[finding.level](f"{finding.level:<8}")
            self.stdout.write(f"{label} {finding.subject}: {finding.text}")
        if faulty:
            sys.exit(1)
