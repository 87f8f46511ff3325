"""The last step of `tidegate demo`: sample data on both sides, then the addresses and the sign-in."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from tidegate import cli
from tidegate.cli import demo_data
from tidegate.cli.answers import local_address, wait_for
from tidegate.cli.commands import TidegateCommand
from tidegate.cli.demo import FACTS, SANDBOX_URL, SEEDED
from tidegate.cli.demo_campaigns import furnish_campaigns
from tidegate.cli.importing import import_file, lines_about
from tidegate.config import config
from tidegate.store.models import Workspace

SAMPLE = Path(cli.__file__).parent / "sample" / "prospects.csv"


class Command(TidegateCommand):
    help = "Fill the demo with sample data and say where it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--prospects", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = demo_data.demo_workspace()
        self.import_prospects(workspace, options["prospects"])
        furnish_campaigns(workspace)
        facts = {
            "web_url": config.public_url,
            "sandbox_url": SANDBOX_URL,
            "owner_email": demo_data.OWNER,
            "owner_password": demo_data.owner_password(),
            "api_key": demo_data.demo_key(workspace),
            "sandbox_api_token": demo_data.seeded_sandbox(workspace),
            "connection_id": demo_data.connection_of(workspace),
        }
        wait_for(f"{local_address()}/readyz", seconds=120)
        demo_data.write_secretly(FACTS, json.dumps(facts, indent=2) + "\n")
        self.say(facts)

    def import_prospects(self, workspace: Workspace, given: Path | None) -> None:
        """The given file at every start; the sample until it is there whole. Importing twice changes nothing."""
        if given is None and SEEDED.exists():
            return
        summary = import_file(given or SAMPLE, workspace, actor="Demo")
        for line in lines_about(summary):
            self.stdout.write(line)

    def say(self, facts: dict[str, Any]) -> None:
        for line in (
            "The demo is ready.",
            f"  Tidegate           {facts['web_url']}",
            f"  Sign in as         {facts['owner_email']}  with  {facts['owner_password']}",
            f"  Pipedrive sandbox  {facts['sandbox_url']}",
            f"  REST API           {facts['web_url']}/api/v1/docs  with the key  {facts['api_key']}",
            f"  All this is also in {FACTS}. Ctrl-C ends the demo; the next start goes on where it was.",
        ):
            self.stdout.write(line)
