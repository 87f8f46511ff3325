"""The frame of every page: the strip that says sandbox, the tabs, and safe text."""

from html import escape
from importlib import resources
from typing import Any

from aiohttp import web

STRIP = (
    '<header class="strip">SANDBOX <span>A stand-in for Pipedrive on this machine. Nothing here reaches the real '
    "Pipedrive, and all data is made up.</span></header>"
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


def document(title: str, body: str, *, script: str = "") -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{text(title)} · Sandbox</title>"
        '<link rel="stylesheet" href="/static/sandbox.css"><link rel="icon" href="data:,">'
        f"{script}</head><body>{STRIP}{body}</body></html>"
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


def table(label: str, headings: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table; the cells are HTML already."""
    head = "".join(f"<th scope=col>{heading}" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
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
