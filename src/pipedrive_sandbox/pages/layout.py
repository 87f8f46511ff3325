"""The frame of every page: the strip that says sandbox, the tabs, and safe text."""

from html import escape
from importlib import resources
from typing import Any

from aiohttp import web

STRIP = (
    '<header class="strip">SANDBOX <span>A stand-in for Pipedrive on this server. Nothing here reaches the real '
    "Pipedrive, and all data is made up.</span></header>"
)
ICONS = (
    '<svg class="symbols" aria-hidden="true"><symbol id="i-none" viewBox="0 0 16 16"><path d="M3.5 8h9"/></symbol>'
    '<symbol id="i-refresh" viewBox="0 0 16 16"><path d="M13.4 7A5.5 5.5 0 0 0 3.3 5.2L2.4 6.6M2.4 3.2v3.4h3.4'
    'M2.6 9a5.5 5.5 0 0 0 10.1 1.8l.9-1.4M13.6 12.8V9.4h-3.4"/></symbol>'
    '<symbol id="i-task" viewBox="0 0 16 16"><rect x="2.6" y="3.4" width="10.8" height="10" rx="1.4"/>'
    '<path d="M5.4 1.9v2.6M10.6 1.9v2.6M5.6 9.1l1.7 1.7 3.2-3.3"/></symbol></svg>'
)
TABS = (
    ("deals", "Deals"),
    ("people", "People"),
    ("activities", "Activities"),
    ("organizations", "Organizations"),
    ("deliveries", "Webhook deliveries"),
    ("calls", "API calls"),
)


def text(value: Any) -> str:
    return "" if value is None else escape(str(value))


def icon(name: str) -> str:
    return f'<svg class=i aria-hidden=true><use href="#i-{name}"/></svg>'


def document(title: str, body: str, *, script: str = "") -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{text(title)} · Sandbox</title>"
        '<link rel="stylesheet" href="/static/sandbox.css"><link rel="icon" href="data:,">'
        f"{script}</head><body>{ICONS}{STRIP}{body}</body></html>"
    )


def company_page(
    title: str, company: dict[str, Any], current: str, body: str, *, script: str = "", tools: str = ""
) -> str:
    query = f"?company={company['id']}"
    tabs = "".join(
        f'<a href="/{path}{query}"{" aria-current=page" if path == current else ""}>{label}</a>'
        for path, label in TABS
    )
    main = (
        f'<main class="page" id="main"><div class="row between"><h1>{text(company["name"])}</h1>{tools}</div>'
        f'<nav class="tabs" aria-label="Sandbox">{tabs}</nav>{body}</main>'
    )
    return document(title, main, script=script)


def narrow_page(title: str, body: str) -> str:
    return document(title, f'<main class="narrow" id="main">{body}</main>')


def table(label: str, headings: tuple[str, ...], rows: list[tuple[Any, ...]], names: int = 0) -> str:
    """A table; the cells are HTML already, and those of the column `names` say what their row is about."""
    head = "".join(f"<th scope=col>{heading}" for heading in headings)
    starts = ["<th scope=row>" if number == names else "<td>" for number in range(len(headings))]
    body = "".join(
        "<tr>" + "".join(f"{start}{cell}" for start, cell in zip(starts, row, strict=True)) for row in rows
    )
    empty = "" if rows else "<p class='muted pad'>Nothing yet.</p>"
    return (
        f'<div class=scroll tabindex=0 role=region aria-label="{text(label)}, table"><table class=table>'
        f"<thead><tr>{head}</thead><tbody>{body}</tbody></table>{empty}</div>"
    )


def html(page: str, status: int = 200) -> web.Response:
    return web.Response(text=page, status=status, content_type="text/html", charset="utf-8")


def redirect(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


def static(name: str) -> web.Response:
    kinds = {"css": "text/css", "js": "text/javascript"}
    kind = kinds.get(name.rpartition(".")[2])
    found = resources.files("pipedrive_sandbox") / "static" / name
    if kind is None or "/" in name or not found.is_file():
        return html(narrow_page("Not found", "<h1>There is no such page</h1>"), 404)
    return web.Response(text=found.read_text("utf-8"), content_type=kind, charset="utf-8")
