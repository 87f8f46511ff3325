"""Trouble from the pages: a choice of faults for who tries a program by hand, and the way back to fresh data."""

from aiohttp import web

from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.layout import html, icon, narrow_page, redirect
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan

API_CALLS = "* */v[12]/*"
CHOICES: dict[str, tuple[str, Body | None]] = {
    "none": ("None", None),
    "slow": ("Slow, 2 s an answer", {"kind": "latency", "seconds": 2, "calls": API_CALLS}),
    "limit": ("Rate limit reached", {"kind": "error", "status": 429, "calls": API_CALLS}),
    "budget": ("Budget used up", None),
    "errors": ("Every 5th call fails", {"kind": "error", "status": 500, "share": 0.2, "calls": API_CALLS}),
    "lost": ("Every 5th answer is lost", {"kind": "lost_answer", "share": 0.2, "calls": API_CALLS}),
    "down": ("Down", {"kind": "error", "status": 503, "calls": API_CALLS}),
    "disorder": ("Webhooks out of order and doubled", None),
}


def tools(visit: Visit) -> str:
    """The form in the head of the deal board."""
    current = visit.sandbox.state.setting("page_fault", "none")
    options = "".join(
        f'<option value="{key}"{" selected" if key == current else ""}>{label}</option>'
        for key, (label, _) in CHOICES.items()
    )
    return (
        f'<div class=row><form class=row method=post action="{visit.link("/trouble")}"><label class=row>Faults '
        f"<select class=select name=fault>{options}</select></label><button class=btn>Set</button></form>"
        f'<a class=btn href="{visit.link("/reset")}">{icon("refresh")}Reset data</a></div>'
    )


def choose(visit: Visit) -> web.Response:
    """One fault at a time: choosing takes back what was chosen before, also faults set by control calls."""
    sandbox = visit.sandbox
    choice = visit.form.get("fault", "none")
    if choice not in CHOICES:
        choice = "none"
    sandbox.faults.remove()
    fault = CHOICES[choice][1]
    if fault is not None:
        sandbox.faults.add(fault)
    if choice == "budget":
        sandbox.limits.spend(visit.account.id, sandbox.limits.remaining(visit.account.company))
    disorder = choice == "disorder"
    for name, value in (("webhook_shuffle", disorder), ("webhook_duplicate", 0.3 if disorder else 0.0)):
        sandbox.state.switches.set(name, value)
    sandbox.state.keep_setting("switches", sandbox.state.switches.values)
    sandbox.state.keep_setting("page_fault", choice)
    return redirect(visit.link("/deals"))


def ask_reset(visit: Visit) -> web.Response:
    body = (
        "<h1>Reset the data?</h1><p>Every company goes back to how it was seeded. Connected apps lose their access "
        "and have to connect again; registered apps stay.</p>"
        f'<form class=row method=post action="{visit.link("/reset")}"><button class="btn primary">Reset</button>'
        f'<a class=btn href="{visit.link("/deals")}">Keep the data</a></form>'
    )
    return html(narrow_page("Reset", body))


def reset(visit: Visit) -> web.Response:
    plans = visit.sandbox.state.setting("plans", [])
    visit.sandbox.reset()
    for plan in plans:
        for _ in Seeder(visit.sandbox.state, Plan.of(plan)).run():
            pass
    return redirect("/deals")


PAGES = {("POST", "trouble"): choose, ("GET", "reset"): ask_reset, ("POST", "reset"): reset}
