"""A real browser before a real server. Without Chromium these tests say how to get it and are skipped.

Pictures of the pages go to tests/e2e/screenshots when SCREENSHOTS is set.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.builders import PASSWORD, make_member, make_workspace
from tests.integration.web.fake_pipedrive import FakePipedrive, make_prospect_fields
from tidegate.store.models import Connection, Workspace

T = TypeVar("T")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SIZES = {"wide": {"width": 1440, "height": 1000}, "phone": {"width": 375, "height": 812}}
PATIENCE = 30_000
"""Milliseconds: a busy machine takes its time, and a page that is right is never waited for so long."""
expect.set_options(timeout=PATIENCE)
SQUEEZED = """[...document.querySelectorAll("p, h1, h2, h3, legend, label")].filter((e) => {
    const box = e.getBoundingClientRect();
    return e.innerText.length > 20 && box.width > 1 && box.width < 48 && box.height > 96;
}).map((e) => e.innerText.slice(0, 40))"""
"""Texts that run downwards because something took their room."""
PICTURES = Path(__file__).parent / "screenshots"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="needs Chromium. On Debian: apt install chromium"))


@pytest.fixture(scope="session", autouse=True)
def _database_beside_the_browser() -> None:
    """Playwright's own loop runs in this thread; Django would take database calls beside it for a mistake."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _fresh_count_of_sign_ins() -> None:
    """Sign-ins are counted by address, thirty a minute: all these stories come from one, and quick machines tell more."""
    cache.clear()


class Visitor:
    """A browser of a member, and what can be said about the page in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"{message.text} {message.location['url']}")

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def follow(self, way: Locator) -> None:
        """Click, and be on the next page: a look right after a click meets the old page, or none between the two."""
        with self.page.expect_navigation():
            way.click()

    def sign_in(self, email: str = "alice@northlight.example") -> None:
        self.open("/login/")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/integrations/")

    def sends_token(self, token: str = "t" * 40) -> None:
        """Connects by a personal token: the way that needs no page of Pipedrive's."""
        self.open("/integrations/connect/token/")
        self.page.get_by_label("Company domain").fill("northlight")
        self.page.get_by_label("Personal API token").fill(token)
        self.page.get_by_role("button", name="Connect", exact=True).click()

    def pictured(self, name: str) -> None:
        """Where pictures are wanted: one at each width, for eyes alone. Without scripts axe can't run."""
        if os.environ.get("SCREENSHOTS"):
            for size, viewport in SIZES.items():
                self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
                self._picture(f"{name}-{size}")
            self.page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]

    def _picture(self, name: str) -> None:
        """The caret as it is: hiding it takes a style of its own, which the pages' policy forbids."""
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True, caret="initial")

    def looks_well(self, name: str) -> None:
        """At both widths, light and dark: nothing sticks out sideways, and axe finds nothing."""
        for size, viewport in SIZES.items():
            for scheme in ("light", "dark"):
                self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
                self.page.emulate_media(color_scheme=scheme)
                if os.environ.get("SCREENSHOTS"):
                    self._picture(f"{name}-{size}-{scheme}")
                wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{name} ({size}) sticks out by {wide} px"
                squeezed = self.page.evaluate(SQUEEZED)
                assert not squeezed, f"{name} ({size}) squeezes {squeezed}"
                found = Axe().run(self.page).response["violations"]
                assert not found, f"{name} ({size}, {scheme}): {[brief(item) for item in found]}"
        self.page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]
        self.page.emulate_media(color_scheme="light")


def brief(violation: dict[str, Any]) -> str:
    return f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"


def apart(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Runs set-up on a thread of its own: Playwright's loop holds this one, and async code can't be nested."""

    def run() -> T:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.fixture
def visitor(browser: Browser, live_server: LiveServer) -> Iterator[Visitor]:
    context = browser.new_context(viewport=SIZES["wide"])  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visitor = Visitor(page, live_server.url)
    yield visitor
    context.close()
    assert not visitor.faults, visitor.faults


@pytest.fixture
def visitor_without_scripts(browser: Browser, live_server: LiveServer) -> Iterator[Visitor]:
    context = browser.new_context(java_script_enabled=False, viewport=SIZES["wide"])  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield Visitor(page, live_server.url)
    context.close()


@pytest.fixture
def pipedrive(monkeypatch: pytest.MonkeyPatch) -> FakePipedrive:
    fake = FakePipedrive()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    workspace = make_workspace(time_zone="Europe/Stockholm", country="SE")
    make_member(workspace, "Alice")
    make_prospect_fields(workspace)
    return workspace


@pytest.fixture
def connection(workspace: Workspace, pipedrive: FakePipedrive) -> Connection:
    return apart(pipedrive.connect, workspace)
