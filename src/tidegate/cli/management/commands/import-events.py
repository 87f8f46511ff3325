"""`tidegate import-events FILE`: the campaign history of another tool, as part of the story alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tidegate.cli.commands import TidegateCommand, plain_errors
from tidegate.cli.workspaces import add_workspace_option, choose_workspace
from tidegate.prospects.authors import Author
from tidegate.prospects.events.files import read_events
from tidegate.prospects.events.recording import MAX_EVENTS, EventOutcome, Telling, record_events

SHOWN = 20
"""So many faulty events are shown with their reason."""


class Command(TidegateCommand):
    help = "Import past campaign events from a CSV or JSON file. They are history: no automation is set off by them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        add_workspace_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        author = Author(choose_workspace(options["workspace"]).pk, "tidegate import-events", "import")
        counts: Counter[str] = Counter()
        faults: list[str] = []
        try:
            with plain_errors():
                for batch in _batches(read_events(options["file"])):
                    tellings = [Telling(event) for _, event in batch]
                    results = record_events(author, tellings, source="import", historical=True)
                    for (number, _), result in zip(batch, results, strict=True):
                        counts[result.outcome.value] += 1
                        counts["waiting"] += (
                            result.outcome is EventOutcome.CREATED and result.prospect_id is None
                        )
                        if result.errors:
                            said = "; ".join(
                                f"{key}: {text}" for key, texts in result.errors.items() for text in texts
                            )
                            faults.append(f"  event {number:,}, not imported: {said[:300]}")
        except OSError as error:
            raise CommandError(f"{error.filename} can't be opened: {error.strerror}") from error
        self.say(counts, faults)

    def say(self, counts: Counter[str], faults: list[str]) -> None:
        words = {
            "created": "new",
            "unchanged": "known already",
            "conflict": "known with other content",
            "rejected": "not imported",
        }
        parts = [f"{counts[outcome]:,} {word}" for outcome, word in words.items() if counts[outcome]]
        self.stdout.write(f"Campaign events: {', '.join(parts) or 'none in the file'}.")
        if counts["waiting"]:
            self.stdout.write(f"  {counts['waiting']:,} of them wait until a prospect has the address.")
        for line in faults[:SHOWN]:
            self.stdout.write(line)
        if len(faults) > SHOWN:
            self.stdout.write(f"  and {len(faults) - SHOWN:,} more.")


def _batches(events: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    iterator = iter(events)
    while batch := list(islice(iterator, MAX_EVENTS)):
        yield batch
