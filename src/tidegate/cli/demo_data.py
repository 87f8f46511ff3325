"""The demo's sample data on both sides: who signs in, the key for programs, persons whom both sides know.

Every part looks first whether it is there, so that a second start changes nothing and an interrupted one is completed.
"""

import os
import secrets
from itertools import islice
from pathlib import Path

from django.db import transaction

from tidegate.cli.answers import call, wait_for
from tidegate.cli.demo import SANDBOX_URL, SEEDED
from tidegate.config import config, kept_secret
from tidegate.prospects.models import Prospect
from tidegate.store.keys import find_api_key, make_api_key
from tidegate.store.models import Membership, Role, User, Workspace

OWNER = "owner@example.com"
SCOPES = ("read", "prospects:write", "events:write", "connections:write", "admin")
KEY = config.home / "secrets" / "demo-api-key"
PERSONS = 400
SHARED = 150


def owner_password() -> str:
    return kept_secret(config.home, "demo-owner-password", lambda: secrets.token_urlsafe(12))


@transaction.atomic
def demo_workspace() -> Workspace:
    owner = User.objects.filter(email=OWNER).first()
    if owner is None:
        owner = User.objects.create_user(OWNER, owner_password(), name="Demo Owner")
    membership = Membership.objects.filter(user=owner).select_related("workspace").first()
    if membership is not None:
        return membership.workspace
    workspace = Workspace.objects.create(name="Demo")
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    return workspace


def demo_key(workspace: Workspace) -> str:
    """The key for programs: the one of the last start while it is good, else a new one."""
    if KEY.exists():
        plain = KEY.read_text().strip()
        if find_api_key(plain) is not None:
            return plain
    _, plain = make_api_key(workspace, "Demo", SCOPES, actor="tidegate demo")
    write_secretly(KEY, plain)
    return plain


def seeded_sandbox(workspace: Workspace) -> str:
    """The API token of the sandbox's administrator, once its company has its people."""
    wait_for(f"{SANDBOX_URL}/_sandbox/ready", seconds=60)
    if not SEEDED.exists():
        plan = {"reset": True, "persons": PERSONS, "people": shared_people(workspace)}
        call(f"{SANDBOX_URL}/_sandbox/seed", plan, timeout=300)
        SEEDED.touch()
    users = call(f"{SANDBOX_URL}/_sandbox/companies")[0]["users"]
    return str(users[0]["api_token"])


def shared_people(workspace: Workspace) -> list[dict[str, str]]:
    """Prospects whom the sandbox's company knows too, written as another team would have: never quite alike."""
    prospects = (
        Prospect.objects.filter(workspace_id=workspace.pk, addresses__isnull=False).distinct().order_by("pk")
    )
    total = prospects.count()
    step = max(1, total // SHARED)
    chosen = islice(prospects.iterator(), 0, None, step)
    return [as_known_to_others(number, prospect) for number, prospect in enumerate(islice(chosen, SHARED))]


def as_known_to_others(number: int, prospect: Prospect) -> dict[str, str]:
    known = {
        "email": prospect.email.upper() if number % 7 == 0 else prospect.email,
        "first_name": prospect.first_name,
        "last_name": prospect.last_name,
        "organization": prospect.company,
        "phone": "" if number % 4 == 0 else prospect.phone,
        "job_title": "" if number % 3 == 0 else prospect.job_title,
    }
    return {name: value for name, value in known.items() if value}


def connection_of(workspace: Workspace) -> str | None:
    connection = workspace.connections.filter(disconnected_at__isnull=True).first()
    return None if connection is None else str(connection.pk)


def write_secretly(path: Path, text: str) -> None:
    """For the owner's eyes alone, and all at once: who waits for the file never reads half of it."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
