"""`tidegate demo`: Tidegate beside a Pipedrive sandbox, both with sample data that fits together."""

import argparse
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tidegate.cli.supervise import Service
from tidegate.cli.up import PREPARE, TIDEGATE, WEB, WORKER, run
from tidegate.config import config, kept_secret
from tidegate.database import EmbeddedDatabase
from tidegate.errors import ConfigurationError

SANDBOX_URL = f"http://127.0.0.1:{config.sandbox_port}"
FACTS = config.home / "demo.json"
"""Addresses and sign-in, written once everything answers."""
SEEDED = config.home / "sandbox.seeded"
"""There once the sandbox has all its sample data; without it an interrupted seeding is done again."""
MARK = config.home / "secrets" / "demo-client-secret"
"""There where a demo lives: real data and sample data are not to be mixed, nor removed as if they were a demo's."""
SCOPES = (
    "base",
    "contacts:full",
    "deals:full",
    "activities:full",
    "contact-fields:full",
    "users:read",
    "webhooks:full",
)
"""What the app may do there: what the guide to registering one switches on, so that the consent asks for no more."""
LEFTOVERS = ("postgres", "postgres.*", "sandbox.*", "secrets", "static", "demo.json")
"""All that a demo leaves in its home; nothing else there is touched."""


def demo(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tidegate demo",
        description="Run Tidegate with a Pipedrive sandbox and sample data, until Ctrl-C.",
    )
    parser.add_argument(
        "--prospects", type=Path, metavar="FILE", help="a CSV file to import instead of the sample"
    )
    parser.add_argument("--clean", action="store_true", help="remove an earlier demo's data and end")
    options = parser.parse_args(arguments)
    if options.clean:
        return _clean()
    if options.prospects and not options.prospects.is_file():
        raise ConfigurationError(f"There is no file {options.prospects}. Example: make demo PROSPECTS=my.csv")
    if config.embedded and (config.home / "postgres").exists() and not MARK.exists():
        raise ConfigurationError(
            f"{config.home} holds data already. Choose another place: TIDEGATE_HOME=./demo"
        )
    FACTS.unlink(missing_ok=True)
    os.environ.update(_settings())
    furnish = [*TIDEGATE, "furnish"] + ([f"--prospects={options.prospects}"] if options.prospects else [])
    return run(
        [replace(PREPARE, command=[*PREPARE.command, "--demo"])],
        [_sandbox(), WEB, WORKER, Service("tidegate", furnish, once=True)],
        ports=[("127.0.0.1", config.sandbox_port, "SANDBOX_PORT")],
    )


def _settings() -> dict[str, str]:
    """What points Tidegate to the sandbox, and registers its OAuth app there."""
    client = "tidegate-demo"
    secret = kept_secret(config.home, MARK.name, secrets.token_urlsafe)
    return {
        "TIDEGATE_PIPEDRIVE_CLIENT_ID": client,
        "TIDEGATE_PIPEDRIVE_CLIENT_SECRET": secret,
        "TIDEGATE_PIPEDRIVE_OAUTH_URL": SANDBOX_URL,
        "TIDEGATE_PIPEDRIVE_API_URL": SANDBOX_URL,
        "SANDBOX_APP_CLIENT_ID": client,
        "SANDBOX_APP_CLIENT_SECRET": secret,
        "SANDBOX_APP_REDIRECT_URI": f"{config.public_url}/oauth/pipedrive/callback",
        "SANDBOX_APP_SCOPES": ",".join(SCOPES),
    }


def _sandbox() -> Service:
    state = config.home / "sandbox.sqlite"
    command = [sys.executable, "-m", "pipedrive_sandbox", "--empty", f"--port={config.sandbox_port}"]
    return Service("sandbox", [*command, f"--state={state}", f"--public-url={SANDBOX_URL}"])


def _clean() -> int:
    if EmbeddedDatabase(config.home).is_owned_by_another():
        raise ConfigurationError("The demo is running. End it first with Ctrl-C.")
    if (config.home / "postgres").exists() and not MARK.exists():
        raise ConfigurationError(
            f"{config.home} holds no demo; remove it yourself if it may go: rm -r {config.home}"
        )
    for path in [path for pattern in LEFTOVERS for path in config.home.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    print(f"The demo's data in {config.home} is gone.")
    return 0
