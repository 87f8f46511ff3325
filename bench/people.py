"""Gives a demo's prospect store everybody whom its Pipedrive sandbox knows, straight into the database.

It runs inside the demo's settings (`bench.inside`). Through the API a million prospects would take longer than all that is
to be measured with them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from django.db import connection
from django.utils import timezone

from tidegate.prospects.models import Prospect, ProspectEmail
from tidegate.prospects.search_keys import fill_keys
from tidegate.store.models import Workspace
from tidegate.store.rows import put_rows

PAGE = 500


def know_everybody(address: str, token: str) -> int:
    """How many of the sandbox's persons have an address, and are prospects now."""
    workspace_id = Workspace.objects.get().pk
    first = number = (Prospect.objects.order_by("-id").values_list("id", flat=True).first() or 0) + 1
    with httpx2.Client(base_url=address, headers={"x-api-token": token}, timeout=60) as pipedrive:
        names = {o["id"]: o["name"] for page in _pages(pipedrive, "organizations") for o in page}
        for page in _pages(pipedrive, "persons"):
            people = [_prospect(person, names) for person in page if person.get("emails")]
            rows = [_row(workspace_id, number + place, one) for place, one in enumerate(people)]
            put_rows(Prospect, rows)
            put_rows(
                ProspectEmail,
                [
                    {"workspace_id": workspace_id, "prospect_id": row["id"], "address": address}
                    for row in rows
                    for address in dict.fromkeys(entry["value"].strip().lower() for entry in row["emails"])
                ],
            )
            number += len(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('prospects_prospect', 'id'), %s)", [number])
    return number - first


def _pages(pipedrive: httpx2.Client, kind: str) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        params = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
        answer = pipedrive.get(f"/api/v2/{kind}", params=params).raise_for_status().json()
        yield answer["data"]
        cursor = answer["additional_data"]["next_cursor"]
        if not cursor:
            return


def _prospect(person: Mapping[str, Any], names: Mapping[int, str]) -> Prospect:
    return Prospect(
        first_name=person.get("first_name") or "",
        last_name=person.get("last_name") or "",
        company=names.get(person.get("org_id") or 0, ""),
        job_title=person.get("job_title") or "",
        emails=[{"value": email["value"], "label": ""} for email in person["emails"]],
        phones=[{"value": phone["value"], "label": ""} for phone in person.get("phones") or ()],
    )


def _row(workspace_id: object, number: int, prospect: Prospect) -> dict[str, Any]:
    now = timezone.now()
    fill_keys(prospect)
    return {
        "id": number,
        "workspace_id": workspace_id,
        "first_name": prospect.first_name,
        "last_name": prospect.last_name,
        "company": prospect.company,
        "job_title": prospect.job_title,
        "emails": prospect.emails,
        "phones": prospect.phones,
        "email_status": "unverified",
        "consent": "open",
        "consent_at": None,
        "custom": {},
        "origin": "import",
        "origin_key": None,
        "created_at": now,
        "updated_at": now,
        "name_key": prospect.name_key,
        "search_words": prospect.search_words,
    }
