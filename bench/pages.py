"""How long the largest pages of the settings take, with 200 prospect fields, as many person fields as the plan has, and 1,000 lists: by the clock, from outside."""

import time
from collections.abc import Callable, Mapping

import httpx2

from bench.rows import Row, percentile
from bench.running import Running, launched_demo, processor_seconds
from tests.processes.demo import sign_in

FIELDS, LISTS, MAPPED, TIMES = 200, 1_000, 40, 30
LIMIT = "0.3 s"


def measure() -> list[Row]:
    with launched_demo() as running:
        _fill(running)
        with httpx2.Client(
            base_url=running.demo.facts["web_url"], timeout=60, follow_redirects=True
        ) as browser:
            sign_in(browser, running.demo.facts)
            pages = _pages(running, browser)
            return [_row(running, what, ask) for what, ask in pages.items()]


def _fill(running: Running) -> None:
    """As many fields and lists as a large account has, and some of the fields mapped."""
    demo, connection = running.demo, f"/connections/{running.connection_id}"
    there = sum(field["custom"] for field in demo.get(f"{connection}/catalogue")["outreach"]["fields"])
    for number in range(FIELDS - there):
        demo.post("/fields", {"name": f"Own {number}", "type": "text"})
    for number in range(FIELDS):
        new = {"field_name": f"Theirs {number}", "field_type": "varchar"}
        while (answer := demo.pipedrive.post("/api/v2/personFields", json=new)).status_code == 429:
            time.sleep(0.5)
        if answer.status_code == 403:
            break  # the plan of the demo's company has no more
        answer.raise_for_status()
    for number in range(LISTS):
        demo.post("/lists", {"name": f"List {number}"})
    catalogue = demo.post(f"{connection}/refresh")
    mappings = demo.get(connection)["mappings"]
    used = {mapping["pipedrive"] for mapping in mappings}
    theirs = [
        field["key"]
        for field in catalogue["pipedrive"]["fields"]
        if field["custom"] and field["kind"] == "text" and field["key"] not in used
    ]
    mappings += [
        {"outreach": f"custom.own_{number}", "pipedrive": key} for number, key in enumerate(theirs[:MAPPED])
    ]
    demo.patch(connection, {"mappings": mappings})


def _pages(running: Running, browser: httpx2.Client) -> Mapping[str, Callable[[], httpx2.Response]]:
    base = f"/connections/{running.connection_id}"
    form = {"part": "mapping", "act": "add", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    headers = {"HX-Request": "true", "Referer": str(browser.base_url)}
    return {
        "the settings page": lambda: browser.get(f"{base}/settings/"),
        "the step Data exchange": lambda: browser.get(f"{base}/setup/data/"),
        "one row more in the mapping": lambda: browser.post(
            f"{base}/setup/data/", data=form, headers=headers
        ),
        "the review": lambda: browser.get(f"{base}/setup/review/"),
        "Integrations": lambda: browser.get("/integrations/"),
    }


def _row(running: Running, what: str, ask: Callable[[], httpx2.Response]) -> Row:
    ask().raise_for_status()
    seconds, before = [], processor_seconds(running.demo)["web"]
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - began)
        answer.raise_for_status()
    own = (processor_seconds(running.demo)["web"] - before) / TIMES
    told = f"{percentile(seconds, 50):.2f} s, 95 % within {percentile(seconds, 95):.2f} s; {own:.2f} s of the processor"
    return Row(
        f"{what}, with {FIELDS} prospect fields, {MAPPED} of them mapped, and {LISTS:,} lists", told, LIMIT
    )
