"""The page of the members: each role's acts, invitations from being made to being used, and always an owner."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connections
from django.test import Client
from django.utils import timezone

from tests.integration.web.conftest import member, signed_in
from tidegate.config import config
from tidegate.errors import Conflict, NotFound
from tidegate.store.connections import make_state, use_state
from tidegate.store.members import Actor, change_role, invite, remove_member
from tidegate.store.models import Invitation, Membership, Role, User, Workspace
from tidegate.wiring import members as wiring_members

pytestmark = pytest.mark.django_db

PAGE = "/members/"
DORA = "dora@northlight.example"
PASSWORD = "nine-lives-and-a-cat"
OWNER = Actor("Alice", Role.OWNER)


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def link_for(workspace: Workspace, email: str = DORA, role: str = Role.ADMIN) -> str:
    return f"/join/{invite(workspace, email, role, actor=OWNER)[1]}/"


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


# --- Who may do what


@pytest.fixture
def people(workspace: Workspace, alice: User, bob: User) -> dict[str, User]:
    """One of each role who acts, and one of each whom it is done to."""
    return {
        "owner": alice,
        "viewer": bob,
        "admin": member(workspace, "ada@northlight.example", "Ada Admin", Role.ADMIN),
        "other-owner": member(workspace, "olga@northlight.example", "Olga Owner", Role.OWNER),
        "other-admin": member(workspace, "axel@northlight.example", "Axel Admin", Role.ADMIN),
        "other-viewer": member(workspace, "vera@northlight.example", "Vera Viewer", Role.VIEWER),
    }


ALLOWED = {
    "owner": {"owner", "admin", "viewer"},
    "admin": {"admin", "viewer"},
    "viewer": set[str](),
}
"""Role -> the roles it may give, and whose holders it may change and remove."""
EVERY = [(acting, subject) for acting in ALLOWED for subject in ALLOWED]


@pytest.mark.parametrize(("acting", "subject"), EVERY)
def test_who_may_invite_whom(
    people: dict[str, User], workspace: Workspace, acting: str, subject: str
) -> None:
    answer = signed_in(people[acting]).post(f"{PAGE}invite/", {"email": DORA, "role": subject})

    allowed = subject in ALLOWED[acting]
    assert answer.status_code == (200 if allowed else 403 if acting == "viewer" else 422)
    assert Invitation.objects.filter(workspace=workspace, email=DORA, role=subject).exists() == allowed


@pytest.mark.parametrize(("acting", "subject"), EVERY)
def test_who_may_withdraw_whose_invitation(
    people: dict[str, User], workspace: Workspace, acting: str, subject: str
) -> None:
    invitation, _ = invite(workspace, DORA, subject, actor=OWNER)

    signed_in(people[acting]).post(f"{PAGE}invitations/{invitation.pk}/withdraw/")

    assert Invitation.objects.exists() != (subject in ALLOWED[acting])


@pytest.mark.parametrize(("acting", "subject"), EVERY)
@pytest.mark.parametrize("role", ["owner", "admin", "viewer"])
def test_who_may_give_whom_which_role(people: dict[str, User], acting: str, subject: str, role: str) -> None:
    whom = membership_of(people[f"other-{subject}"])

    answer = signed_in(people[acting]).post(f"{PAGE}{whom.pk}/role/", {"role": role})

    assert answer.status_code == (403 if acting == "viewer" else 302)
    whom.refresh_from_db()
    assert whom.role == (role if {subject, role} <= ALLOWED[acting] else subject)


@pytest.mark.parametrize(("acting", "subject"), EVERY)
def test_who_may_remove_whom(people: dict[str, User], acting: str, subject: str) -> None:
    whom = membership_of(people[f"other-{subject}"])

    signed_in(people[acting]).post(f"{PAGE}{whom.pk}/remove/")

    assert Membership.objects.filter(pk=whom.pk).exists() != (subject in ALLOWED[acting])
    assert User.objects.filter(pk=whom.user_id).exists()


def test_an_admin_does_not_replace_the_invitation_of_an_owner(
    people: dict[str, User], workspace: Workspace
) -> None:
    invite(workspace, DORA, Role.OWNER, actor=OWNER)

    answer = signed_in(people["admin"]).post(f"{PAGE}invite/", {"email": DORA, "role": "viewer"})

    assert "Only an owner can change or remove owners" in answer.content.decode()
    assert Invitation.objects.get().role == Role.OWNER


def test_a_viewer_sees_members_and_invitations_and_no_way_to_change_them(
    viewer: Client, alice: User, workspace: Workspace
) -> None:
    invite(workspace, DORA, Role.ADMIN, actor=OWNER)
    page = shown(viewer)
    assert "Alice Lindqvist" in page
    assert DORA in page
    for act in ("/invite/", "/withdraw/", "/role/", "/remove/"):
        assert act not in page


def test_a_made_up_role_is_refused(owner: Client, bob: User) -> None:
    row = membership_of(bob)
    page = owner.post(f"{PAGE}{row.pk}/role/", {"role": "emperor"}, follow=True).content.decode()
    assert "Must be one of owner, admin, viewer." in page
    assert membership_of(bob).role == Role.VIEWER
    assert owner.post(f"{PAGE}invite/", {"email": DORA}).status_code == 422


def test_another_workspaces_members_and_invitations_do_not_exist(
    stranger: Client, bob: User, workspace: Workspace
) -> None:
    row = membership_of(bob)
    invitation, _ = invite(workspace, DORA, Role.VIEWER, actor=OWNER)
    assert "bob@" not in shown(stranger)
    assert DORA not in shown(stranger)
    for path in (f"{row.pk}/role/", f"{row.pk}/remove/", f"invitations/{invitation.pk}/withdraw/"):
        assert stranger.post(PAGE + path, {"role": "owner"}).status_code == 404
    assert stranger.get(f"{PAGE}{row.pk}/remove/").status_code == 404
    assert membership_of(bob).role == Role.VIEWER
    assert Invitation.objects.exists()


def test_the_page_says_when_members_last_signed_in(owner: Client, bob: User) -> None:
    assert "Never" in shown(owner)
    User.objects.filter(pk=bob.pk).update(last_login=timezone.now() - timedelta(hours=3))
    page = shown(owner)
    assert "Never" not in page
    assert "3 h ago" in page


# --- Removed


def test_a_removed_member_is_out_at_once_and_can_be_invited_again(
    owner: Client, bob: User, workspace: Workspace
) -> None:
    theirs = signed_in(bob)
    row = membership_of(bob)
    assert "Replace keys that this person knows." in shown(owner, f"{PAGE}{row.pk}/remove/")
    assert membership_of(bob) == row  # asking removes nobody
    owner.post(f"{PAGE}{row.pk}/remove/")
    assert theirs.get("/prospects/", follow=True).status_code == 403
    assert theirs.post(link_for(workspace, bob.email)).status_code == 302
    assert theirs.get("/prospects/").status_code == 200


@pytest.mark.parametrize("act", ["role", "remove"])
def test_whoever_may_no_longer_connect_does_not_finish_what_they_began(
    owner: Client, people: dict[str, User], workspace: Workspace, act: str
) -> None:
    state = make_state(people["admin"], workspace, None)
    owner.post(f"{PAGE}{membership_of(people['admin']).pk}/{act}/", {"role": "viewer"})
    with pytest.raises(NotFound):
        use_state(people["admin"], state)


def test_whoever_leaves_is_led_to_what_is_left(people: dict[str, User]) -> None:
    client = signed_in(people["admin"])
    row = membership_of(people["admin"])
    assert "Leave Northlight Studio?" in shown(client, f"{PAGE}{row.pk}/remove/")
    assert client.post(f"{PAGE}{row.pk}/remove/", follow=True).status_code == 403
    assert not Membership.objects.filter(pk=row.pk).exists()


# --- Always an owner


def test_the_only_owner_is_neither_removed_nor_given_another_role(owner: Client, alice: User) -> None:
    row = membership_of(alice)
    assert "the only one" in shown(owner)
    assert f"{row.pk}/remove/" not in shown(owner)
    for path in ("role/", "remove/"):
        page = owner.post(f"{PAGE}{row.pk}/{path}", {"role": "viewer"}, follow=True).content.decode()
        assert "only owner. Make somebody else an owner first." in page
    owner.post(f"{PAGE}{row.pk}/role/", {"role": "owner"})  # what changes nothing is allowed
    assert membership_of(alice).role == Role.OWNER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["role", "remove"])
def test_of_two_owners_who_end_each_others_ownership_at_once_one_stays(
    workspace: Workspace, alice: User, act: str
) -> None:
    olga = member(workspace, "olga@northlight.example", "Olga Owner", Role.OWNER)
    rows = [membership_of(alice), membership_of(olga)]
    start = threading.Barrier(2)
    refused: list[str] = []

    def press(row: Membership) -> None:
        try:
            start.wait(timeout=60)
            if act == "role":
                change_role(workspace, row.pk, Role.VIEWER, actor=OWNER)
            else:
                remove_member(workspace, row.pk, actor=OWNER)
        except Conflict as error:
            refused.append(error.user_message)
        finally:
            connections.close_all()

    at_once(press, rows)

    assert len(refused) == 1
    assert Membership.objects.filter(workspace=workspace, role=Role.OWNER).count() == 1


def at_once(press: Any, each: list[Any]) -> None:
    threads = [threading.Thread(target=press, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


# --- Invitations


def test_a_new_colleague_joins_by_the_link_that_is_shown_once(owner: Client, workspace: Workspace) -> None:
    page = owner.post(f"{PAGE}invite/", {"email": " Dora@Northlight.example ", "role": "admin"})
    found = re.search(re.escape(config.public_url) + r"(/join/[\w-]+/)", page.content.decode())
    assert found is not None
    assert "No e-mail was sent" in page.content.decode()
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert "/join/" not in shown(owner)
    assert found[1].split("/")[2] not in str(Invitation.objects.values().get())

    client = Client()
    assert "Create account and join" in shown(client, found[1])
    assert client.post(found[1], {"name": "Dora", "password": PASSWORD})["Location"] == "/"
    dora = User.objects.get(email=DORA)
    assert dora.check_password(PASSWORD)
    assert (membership_of(dora).workspace, membership_of(dora).role) == (workspace, Role.ADMIN)
    assert "Dora" in shown(client)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "password1234"}, "too common"),
        ({"password": DORA}, "too similar to the email"),
        ({"name": ""}, "required"),
    ],
)
def test_what_is_wrong_with_a_new_colleague_is_said_at_its_field(
    workspace: Workspace, client: Client, fault: dict[str, str], says: str
) -> None:
    path = link_for(workspace)
    answer = client.post(path, {"name": "Dora", "password": PASSWORD} | fault)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not User.objects.exists()
    assert client.post(path, {"name": "Dora", "password": PASSWORD}).status_code == 302


def test_a_link_works_once(workspace: Workspace, client: Client) -> None:
    path = link_for(workspace)
    client.post(path, {"name": "Dora", "password": PASSWORD})
    for again in (
        client.get(path),
        Client().get(path),
        Client().post(path, {"name": "Eve", "password": PASSWORD}),
    ):
        assert again.status_code == 404
        assert "no longer works" in again.content.decode()
    assert User.objects.count() == 1


def test_looking_at_a_link_does_not_use_it_up(workspace: Workspace, client: Client) -> None:
    path = link_for(workspace)
    for _look in range(3):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
    assert client.post(path, {"name": "Dora", "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("fate", ["expired", "withdrawn", "replaced", "forged"])
def test_a_link_that_is_over_lets_nobody_in(owner: Client, workspace: Workspace, fate: str) -> None:
    path = link_for(workspace)
    if fate == "expired":
        Invitation.objects.update(expires_at=timezone.now())
        assert "Time is over" in shown(owner)
    elif fate == "withdrawn":
        page = owner.post(f"{PAGE}invitations/{Invitation.objects.get().pk}/withdraw/", follow=True)
        assert "Its link works no more." in page.content.decode()
    elif fate == "replaced":
        link_for(workspace)
    else:
        path = "/join/" + "A" * 43 + "/"
    for client in (Client(), owner):
        assert client.get(path).status_code == 404
        assert client.post(path, {"name": "Dora", "password": PASSWORD}).status_code == 404
    assert not User.objects.filter(email=DORA).exists()


def test_an_invitation_lasts_seven_days(workspace: Workspace) -> None:
    invitation, _ = invite(workspace, DORA, Role.VIEWER, actor=OWNER)
    assert invitation.expires_at - timezone.now() <= timedelta(days=7)
    assert invitation.expires_at - timezone.now() > timedelta(days=7, minutes=-1)


@pytest.mark.parametrize(
    ("email", "says"),
    [
        ("BOB@northlight.example", "bob@northlight.example is a member already."),
        ("dora", "Enter a full address"),
        ("", "Enter a full address"),
        ("d" * 60 + "@" + "d" * 60 + "." + "d" * 60 + "." + "d" * 60 + "." + "d" * 60 + ".example", "254"),
    ],
)
def test_an_address_that_can_not_be_invited_is_told(owner: Client, bob: User, email: str, says: str) -> None:
    answer = owner.post(f"{PAGE}invite/", {"email": email, "role": "viewer"})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Invitation.objects.exists()


def test_somebody_with_an_account_signs_in_and_joins(
    workspace: Workspace, charlie: User, client: Client
) -> None:
    path = link_for(workspace, charlie.email, Role.VIEWER)
    page = shown(client, path)
    assert f"/login/?next={path}" in page
    assert "Create account" not in page
    assert (
        client.post(path, {"name": "Eve", "password": PASSWORD})["Location"] == path
    )  # no account is taken over
    assert not charlie.check_password(PASSWORD)

    credentials = {"login": charlie.email, "password": "a-long-password", "next": path}
    assert client.post(f"/login/?next={path}", credentials)["Location"] == path
    assert client.post(path)["Location"] == "/"
    assert client.get(PAGE).context["workspace"] == workspace  # it is the one they work in now
    roles = Membership.objects.filter(user=charlie).order_by("pk").values_list("role", flat=True)
    assert list(roles) == [Role.OWNER, Role.VIEWER]


def test_somebody_signed_in_with_another_address_does_not_join_by_it(
    workspace: Workspace, stranger: Client, charlie: User
) -> None:
    path = link_for(workspace)
    page = shown(stranger, path)
    assert "You are signed in with another address" in page
    assert stranger.post(path)["Location"] == path
    assert Membership.objects.filter(user=charlie).count() == 1
    assert stranger.post("/logout/", {"next": path})["Location"] == path
    assert "Create account and join" in shown(stranger, path)


def test_who_became_a_member_meanwhile_keeps_their_role(workspace: Workspace, client: Client) -> None:
    path = link_for(workspace, role=Role.OWNER)
    dora = member(workspace, DORA, "Dora", Role.VIEWER)
    signed_in(dora).post(path)
    assert membership_of(dora).role == Role.VIEWER
    assert not Invitation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_one_gets_in(workspace: Workspace) -> None:
    path = link_for(workspace)
    start = threading.Barrier(2)
    got: list[int] = []

    def press(name: str) -> None:
        try:
            start.wait(timeout=60)
            got.append(Client().post(path, {"name": name, "password": PASSWORD}).status_code)
        finally:
            connections.close_all()

    at_once(press, ["Dora", "Eve"])

    assert sorted(got) in ([302, 302], [302, 404])  # the second one is told, or led to the sign-in
    assert User.objects.count() == Membership.objects.count() == 1


# --- By e-mail


@pytest.fixture
def _mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    served = replace(config, mail_server={"EMAIL_HOST": "mail.example"})
    monkeypatch.setattr(wiring_members, "config", served)


@pytest.mark.usefixtures("_mail_server")
def test_with_a_mail_server_the_link_is_sent(
    owner: Client, workspace: Workspace, mailoutbox: list[EmailMessage]
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(name="North\nlight")
    page = owner.post(f"{PAGE}invite/", {"email": DORA, "role": "viewer"}).content.decode()
    (mail,) = mailoutbox
    assert mail.to == [DORA]
    assert mail.subject == "Tidegate: you are invited to North light"
    assert "Alice Lindqvist invites you to the workspace “North light” as Viewer." in mail.body
    link = re.search(r"\S+/join/\S+", str(mail.body))
    assert link is not None
    assert link[0] in page
    assert "on its way by e-mail" in page


@pytest.mark.usefixtures("_mail_server")
def test_a_mail_server_that_fails_leaves_the_link_to_hand_over(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: EmailMessage) -> None:
        raise SMTPException("busy")

    monkeypatch.setattr(EmailMessage, "send", refuse)
    page = owner.post(f"{PAGE}invite/", {"email": DORA, "role": "viewer"}).content.decode()
    assert "No e-mail was sent" in page
    assert "/join/" in page
