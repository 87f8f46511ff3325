"""The command `pipedrive-sandbox`: start the sandbox and say where it is."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from pipedrive_sandbox.database import WrongVersion
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.server import serve

DEFAULT_SCOPES = (
    "base,users:read,contacts:full,deals:full,activities:full,search:read,webhooks:full,contact-fields:full,"
    "deal-fields:full,leads:full,recents:read"
)
DEFAULT_CALLBACKS = (
    "http://127.0.0.1:8000/oauth/pipedrive/callback",
    "http://localhost:8000/oauth/pipedrive/callback",
)


def parser() -> argparse.ArgumentParser:
    env = os.environ
    found = argparse.ArgumentParser(prog="pipedrive-sandbox", description="A local stand-in for Pipedrive.")
    found.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    found.add_argument(
        "--port",
        type=int,
        default=env.get("SANDBOX_PORT", "9400"),
        help="default: SANDBOX_PORT, else 9400; 0 = any free",
    )
    found.add_argument(
        "--public-url", help="base address to hand out as api_domain, if not the one that was called"
    )
    found.add_argument(
        "--state", default=env.get("SANDBOX_STATE", ":memory:"), help="SQLite file (default: memory)"
    )
    found.add_argument("--fresh", action="store_true", help="forget what the state file holds")
    seeding = found.add_argument_group("a first company, made when the state is empty")
    seeding.add_argument("--seed", type=int, default=1, help="seed number (default: %(default)s)")
    seeding.add_argument("--persons", type=int, default=400)
    seeding.add_argument("--organizations", type=int, default=120)
    seeding.add_argument("--people", type=Path, help="CSV file of people who are to be among the persons")
    seeding.add_argument("--company-name", default="Northlight Studio")
    seeding.add_argument("--company-domain", default="northlight")
    seeding.add_argument("--plan", default="growth", choices=("lite", "growth", "premium", "ultimate"))
    seeding.add_argument("--empty", action="store_true", help="start without any company")
    app = found.add_argument_group("the registered OAuth app")
    app.add_argument("--app-id", default=env.get("SANDBOX_APP_CLIENT_ID", "sandbox-app"))
    app.add_argument("--app-secret", default=env.get("SANDBOX_APP_CLIENT_SECRET", "sandbox-app-secret"))
    app.add_argument("--app-name", default=env.get("SANDBOX_APP_NAME", "Tidegate"))
    app.add_argument("--app-scopes", default=env.get("SANDBOX_APP_SCOPES", DEFAULT_SCOPES))
    app.add_argument("--app-redirect", action="append", help="callback address; may be given more than once")
    return found


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    if options.fresh and options.state != ":memory:":
        for ending in ("", "-wal", "-shm"):
            Path(options.state + ending).unlink(missing_ok=True)
    try:
        asyncio.run(run(options))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        where = f"{options.host}:{options.port}"
        sys.exit(
            f"The sandbox cannot listen on {where}: {reason}. Choose another port by --port or SANDBOX_PORT."
        )
    except (ValueError, WrongVersion) as error:
        sys.exit(str(error))


async def run(options: argparse.Namespace) -> None:
    sandbox = Sandbox(options.state, public_url=options.public_url)
    register_app(sandbox, options)
    if not sandbox.state.companies() and not options.empty:
        seed_first(sandbox, options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    runner, port = await serve(sandbox, options.host, options.port)
    announce(sandbox, options, port)
    await stop.wait()
    await shut_down(sandbox, runner)


async def shut_down(sandbox: Sandbox, runner: web.ServerRunner) -> None:
    await runner.cleanup()
    await sandbox.stop()


def register_app(sandbox: Sandbox, options: argparse.Namespace) -> None:
    given = os.environ.get("SANDBOX_APP_REDIRECT_URI", "")
    callbacks = options.app_redirect or given.split() or list(DEFAULT_CALLBACKS)
    sandbox.oauth.register(
        {
            "client_id": options.app_id,
            "client_secret": options.app_secret,
            "name": options.app_name,
            "scopes": options.app_scopes,
            "redirect_uri": callbacks,
        }
    )


def seed_first(sandbox: Sandbox, options: argparse.Namespace) -> None:
    plan = Plan(
        company={"name": options.company_name, "domain": options.company_domain, "plan": options.plan},
        persons=options.persons,
        organizations=options.organizations,
        seed=options.seed,
        csv=options.people.read_text("utf-8") if options.people else "",
    )
    for _ in Seeder(sandbox.state, plan).run():
        pass


def announce(sandbox: Sandbox, options: argparse.Namespace, port: int) -> None:
    base = options.public_url or f"http://{options.host}:{port}"
    lines: list[Any] = [f"Pipedrive sandbox on {base}", f"  control calls  {base}/_sandbox/"]
    for company in sandbox.state.companies():
        people = sandbox.state.records["person"].count(company["id"])
        first = sandbox.state.records["user"].get(company["id"], 1) or {}
        lines.append(
            f"  {company['name']}: {people:,} persons, API token of {first['email']}: {first['api_token']}"
        )
    for app in sandbox.oauth.apps():
        lines.append(
            f"  OAuth app {app['name']}: client id {app['client_id']}, secret {app['client_secret']}"
        )
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
