"""Passwords: changed by whoever knows theirs, chosen anew by whoever got a link, and by nobody else."""

import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from smtplib import SMTPException

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from time_machine import travel

from tests.integration.web.conftest import signed_in
from tidegate.config import config
from tidegate.store.models import User
from tidegate.web import passwords as pages
from tidegate.wiring import passwords

pytestmark = pytest.mark.django_db

OLD, NEW = "a-long-password", "nine-lives-and-a-cat"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def _mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    served = replace(config, mail_server={"EMAIL_HOST": "mail.example"})
    monkeypatch.setattr(pages, "config", served)


def signs_in(user: User, password: str) -> bool:
    client = Client()
    client.post("/login/", {"login": user.email, "password": password})
    return client.get("/account/").status_code == 200


def path_of(user: User) -> str:
    return passwords.password_link(user).removeprefix(config.public_url)


def choose(client: Client, path: str, password: str) -> str:
    """The page after the link was followed and the form on it sent."""
    form = client.get(path, follow=True)
    action = re.search(r'action="(/password/[^"]+)"', form.content.decode())
    if action is None:
        return form.content.decode()
    return client.post(action[1], {"password1": password}, follow=True).content.decode()


# --- By a link


def test_whoever_follows_the_link_chooses_a_password_and_signs_in_with_it(
    alice: User, client: Client
) -> None:
    assert "Sign in with your new password" in choose(client, path_of(alice), NEW)
    assert signs_in(alice, NEW)
    assert not signs_in(alice, OLD)


def test_choosing_a_password_signs_nobody_in_by_itself(alice: User, client: Client) -> None:
    """A second factor is still asked for."""
    choose(client, path_of(alice), NEW)
    assert client.get("/account/").status_code == 302


def test_devices_that_were_signed_in_are_signed_out(alice: User, client: Client) -> None:
    stolen = signed_in(alice)
    assert stolen.get("/account/").status_code == 200
    choose(client, path_of(alice), NEW)
    assert stolen.get("/account/").status_code == 302


def test_a_link_works_once(alice: User, client: Client) -> None:
    path = path_of(alice)
    choose(client, path, NEW)
    assert "does not work any more" in choose(Client(), path, "another-long-password")
    assert signs_in(alice, NEW)


def test_a_link_works_for_some_hours(alice: User, client: Client) -> None:
    path = path_of(alice)
    with travel(timedelta(hours=passwords.HOURS, minutes=1)):
        assert "does not work any more" in choose(client, path, NEW)
    with travel(timedelta(hours=passwords.HOURS, minutes=-1)):
        assert "Password changed" in choose(Client(), path, NEW)


def test_a_link_of_one_user_changes_no_other(alice: User, bob: User, client: Client) -> None:
    uid = re.match(r"/password/(\w+)-", path_of(bob))
    assert uid is not None
    forged = re.sub(r"/password/\w+?-", f"/password/{uid[1]}-", path_of(alice))
    assert "does not work any more" in choose(client, forged, NEW)
    assert signs_in(bob, OLD)


def test_a_weak_password_is_refused_at_its_field_and_the_link_goes_on_working(
    alice: User, client: Client
) -> None:
    path = path_of(alice)
    assert 'aria-invalid="true"' in choose(client, path, "short")
    assert "Password changed" in choose(client, path, NEW)


# --- By e-mail


@pytest.mark.usefixtures("_mail_server")
def test_a_link_is_sent_to_whoever_forgot_their_password(
    alice: User, client: Client, mailoutbox: list[EmailMessage]
) -> None:
    answer = client.post("/password/", {"email": alice.email.upper()}, follow=True)
    assert "Look into your e-mail" in answer.content.decode()
    job = ProcrastinateJob.objects.get(task_name=passwords.MAIL_LINK)
    passwords.mail_link(**job.args)
    (mail,) = mailoutbox
    assert mail.to == [alice.email]
    link = re.search(r"https?://\S+/password/\S+", str(mail.body))
    assert link is not None
    assert "Password changed" in choose(client, link[0].removeprefix(config.public_url), NEW)


@pytest.mark.usefixtures("_mail_server")
def test_a_stranger_does_not_learn_who_has_an_account(alice: User, client: Client) -> None:
    told = [
        client.post("/password/", {"email": email}, follow=True).content.decode().partition("<main")[2]
        for email in (alice.email, "nobody@elsewhere.example")
    ]
    assert "a link is on its way" in told[0]
    assert told[0].partition("</main>")[0] == told[1].partition("</main>")[0]
    assert ProcrastinateJob.objects.filter(task_name=passwords.MAIL_LINK).count() == 1


@pytest.mark.usefixtures("_mail_server")
def test_who_was_switched_off_gets_no_link(
    alice: User, client: Client, mailoutbox: list[EmailMessage]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    client.post("/password/", {"email": alice.email})
    passwords.mail_link(alice.pk)
    assert not ProcrastinateJob.objects.filter(task_name=passwords.MAIL_LINK).exists()
    assert not mailoutbox


@pytest.mark.usefixtures("_mail_server")
def test_asking_again_and_again_makes_the_page_rest(alice: User, client: Client) -> None:
    answers = [client.post("/password/", {"email": alice.email}).status_code for _try in range(7)]
    assert (answers[0], answers[-1]) == (302, 429)


def test_a_mail_server_that_fails_is_told_to_the_operator(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(message: EmailMessage) -> None:
        raise SMTPException("busy")

    monkeypatch.setattr(EmailMessage, "send", refuse)
    passwords.mail_link(alice.pk)
    assert "could not be mailed: busy" in caplog.text
    assert "/password/" not in caplog.text


def test_without_a_mail_server_the_page_says_whom_to_ask(alice: User, client: Client) -> None:
    assert "tidegate password" in client.get("/password/").content.decode()
    client.post("/password/", {"email": alice.email})
    assert not ProcrastinateJob.objects.filter(task_name=passwords.MAIL_LINK).exists()


# --- By the command


def test_the_operator_gets_a_link_to_hand_over(alice: User, client: Client) -> None:
    out = StringIO()
    call_command("password", "ALICE@northlight.example", stdout=out)
    said, link = out.getvalue().splitlines()
    assert said == "Alice Lindqvist chooses a new password here, once, within 4 hours:"
    assert "Password changed" in choose(client, link.removeprefix(config.public_url), NEW)


def test_a_link_for_nobody_is_refused() -> None:
    with pytest.raises(CommandError, match="Nobody signs in with nobody@elsewhere"):
        call_command("password", "nobody@elsewhere.example")


# --- By whoever knows it


def test_a_member_changes_their_password_and_stays_signed_in_here_alone(alice: User) -> None:
    here, there = signed_in(alice), signed_in(alice)
    answer = here.post("/account/password/", {"oldpassword": OLD, "password1": NEW}, follow=True)
    assert "Password changed" in answer.content.decode()
    assert answer.request["PATH_INFO"] == "/account/"
    assert there.get("/account/").status_code == 302
    assert signs_in(alice, NEW)


@pytest.mark.parametrize(
    ("old", "new"), [("wrong", NEW), (OLD, "short"), (OLD, "password123"), (OLD, ""), ("", NEW)]
)
def test_a_password_that_does_not_fit_changes_nothing(alice: User, old: str, new: str) -> None:
    client = signed_in(alice)
    answer = client.post("/account/password/", {"oldpassword": old, "password1": new})
    assert answer.content.decode().count('aria-invalid="true"') == 1
    assert signs_in(alice, OLD)
    assert client.get("/account/").status_code == 200


def test_a_stranger_changes_no_password(client: Client) -> None:
    assert client.get("/account/password/")["Location"].startswith("/login/")
