"""The help: anybody may read it, members with the rail around it, and every link of it leads somewhere."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tidegate.store.models import Connection, User, Workspace
from tidegate.web.help.guides import BY_SLUG

pytestmark = pytest.mark.django_db

ADDRESSES = ["/help/", *(f"/help/{slug}/" for slug in BY_SLUG)]


class Page(HTMLParser):
    """The ids of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.styled: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            kept = {"id": self.ids, "href": self.links, "src": self.loads, "style": self.styled}
            if name in kept and tag != "link" and tag != "use":
                kept[name].append(value or "")


def opened(client: Client, address: str) -> Page:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return Page(answer.content.decode())


@pytest.mark.parametrize("address", ADDRESSES)
def test_anybody_may_read_the_help_and_nothing_is_asked_of_the_database(
    client: Client, address: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = client.get(address)
    assert answer.status_code == 200
    assert "rail" not in answer.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_link_leads_to_what_is_there(owner: Client, connection: Connection, address: str) -> None:
    known: dict[str, Page] = {}
    page = opened(owner, address)
    for link in page.links:
        to = urlsplit(link)
        if to.scheme:
            assert to.scheme == "https", link
            continue
        if to.path and to.path not in known:
            answer = owner.get(to.path, follow=True)  # the start page leads on
            assert answer.status_code == 200, f"{link} on {address}"
            known[to.path] = Page(answer.content.decode())
        if to.fragment:
            assert to.fragment in known.get(to.path, page).ids, f"{link} on {address}"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_needs_nothing_that_its_policy_forbids(client: Client, address: str) -> None:
    page = opened(client, address)
    assert len(page.ids) == len(set(page.ids))
    assert not page.styled
    assert all(load.startswith("/static/") for load in page.loads)


def test_every_guide_is_listed(client: Client) -> None:
    assert {f"/help/{slug}/" for slug in BY_SLUG} <= set(opened(client, "/help/").links)


def test_a_member_sees_the_rail_around_it_and_where_they_are(viewer: Client, connection: Connection) -> None:
    for address in ("/help/", "/help/install/"):
        text = viewer.get(address).content.decode()
        assert '<a href="/help/" aria-current="page">' in text
        assert reverse("overview", args=[connection.pk]) in text


def test_the_rail_leads_to_the_help_from_every_other_page(owner: Client, connection: Connection) -> None:
    assert '<a href="/help/">' in owner.get(reverse("overview", args=[connection.pk])).content.decode()


def test_whoever_has_no_workspace_reads_it_as_a_stranger_does(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("dora@northlight.example", "a-long-password"))
    text = client.get("/help/").content.decode()
    assert "bare-foot" in text
    assert "rail" not in text


@pytest.mark.parametrize("address", ["/login/", "/nowhere/"])
def test_signing_in_and_errors_lead_to_the_help(
    client: Client, workspace: Workspace, alice: User, address: str
) -> None:
    assert "/help/" in Page(client.get(address).content.decode()).links


@pytest.mark.parametrize("slug", ["architecture", "lessons", "nowhere", "0001-we-record-decisions"])
def test_what_is_no_guide_is_not_found(client: Client, slug: str) -> None:
    assert client.get(f"/help/{slug}/").status_code == 404


def test_the_help_only_answers(client: Client) -> None:
    assert client.post("/help/").status_code == 405
