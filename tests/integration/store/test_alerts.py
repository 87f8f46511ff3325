"""Alerts begin and end by themselves, are told once in the log, and by e-mail at most once a day where there is a mail server."""

import logging
from dataclasses import replace
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from tests.builders import make_change, make_connection, make_member, make_workspace
from tidegate.config import config
from tidegate.core.connection import Reason, Status
from tidegate.store import queries
from tidegate.store.connections import set_status
from tidegate.store.models import Alert, Change, Connection, Role
from tidegate.wiring import alerts
from tidegate.wiring.alerts import raise_alerts

pytestmark = pytest.mark.django_db

Outbox = list[EmailMessage]


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(alerts, "config", replace(config, mail_server={"EMAIL_HOST": "mail.example"}))
    workspace = make_workspace()
    make_member(workspace, "Alice")
    make_member(workspace, "Anna", Role.ADMIN)
    make_member(workspace, "Victor", Role.VIEWER)
    return make_connection(workspace)


def revoke(connection: Connection) -> None:
    set_status(connection, Status.PAUSED, Reason.RECONNECT, "The app was uninstalled.")


def let_hours_pass(hours: float) -> None:
    span = timedelta(hours=hours)
    for alert in Alert.objects.all():
        alert.began_at -= span
        alert.mailed_at = alert.mailed_at and alert.mailed_at - span
        alert.save()


def test_owners_and_admins_get_one_e_mail_with_what_happened_and_where_to_look(
    connection: Connection, mailoutbox: Outbox
) -> None:
    revoke(connection)
    raise_alerts()
    raise_alerts()

    (mail,) = mailoutbox
    assert sorted(mail.bcc) == ["alice@northlight.example", "anna@northlight.example"]
    assert "Northlight" in mail.subject
    assert "Reconnect it" in mail.body and "The app was uninstalled." in mail.body
    assert f"{config.public_url}/" in mail.body and str(connection.pk) in mail.body


@pytest.mark.parametrize(("hours", "mails"), [(0, 1), (23, 1), (25, 2)])
def test_what_comes_and_goes_is_mailed_once_a_day(
    connection: Connection, mailoutbox: Outbox, hours: float, mails: int
) -> None:
    revoke(connection)
    raise_alerts()
    set_status(connection, Status.ACTIVE)
    raise_alerts()
    let_hours_pass(hours)
    revoke(connection)
    raise_alerts()

    assert len(mailoutbox) == mails
    assert Alert.objects.count() == 2


def test_another_kind_and_another_connection_have_e_mails_of_their_own(
    connection: Connection, mailoutbox: Outbox
) -> None:
    other = make_connection(connection.workspace, company_name="Southlight")
    revoke(connection)
    revoke(other)
    raise_alerts()
    set_status(connection, Status.PAUSED, Reason.BRAKES, "Many values were about to be emptied.")
    raise_alerts()

    assert len(mailoutbox) == 3
    assert "Many values" in mailoutbox[-1].body


def test_an_alert_ends_with_its_cause(connection: Connection) -> None:
    revoke(connection)
    raise_alerts()
    assert [a.kind for a in queries.health(connection).alerts] == ["reconnect"]

    set_status(connection, Status.ACTIVE)
    raise_alerts()

    assert queries.health(connection).alerts == ()
    assert Alert.objects.get().ended_at is not None


def test_a_beginning_is_one_line_of_the_log(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    revoke(connection)
    with caplog.at_level(logging.WARNING):
        raise_alerts()
        raise_alerts()

    lines = [r.getMessage() for r in caplog.records if r.name == "tidegate.store.alerts"]
    assert len(lines) == 1
    assert lines[0].startswith("Alert reconnect, Northlight: ")


def test_without_a_mail_server_the_alert_is_there_and_nothing_is_mailed(
    connection: Connection, mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "config", replace(config, mail_server={}))
    revoke(connection)
    raise_alerts()

    assert mailoutbox == []
    assert Alert.objects.get().mailed_at is None


def test_a_mail_server_that_fails_is_asked_again(
    connection: Connection, mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(message: EmailMessage) -> int:
        raise SMTPServerDisconnected("It hung up.")

    revoke(connection)
    with monkeypatch.context() as broken:
        broken.setattr(EmailMessage, "send", fail)
        raise_alerts()
    assert Alert.objects.get().mailed_at is None
    raise_alerts()

    assert len(mailoutbox) == 1


@pytest.mark.parametrize(("minutes", "behind"), [(10, False), (20, True)])
def test_a_lane_that_nobody_works_on_alerts(connection: Connection, minutes: int, behind: bool) -> None:
    make_change(connection)
    Change.objects.update(due_at=timezone.now() - timedelta(minutes=minutes))
    raise_alerts()

    assert [alert.kind for alert in Alert.objects.all()] == (["behind"] if behind else [])


def test_before_the_first_launch_and_after_disconnecting_nobody_is_told(
    connection: Connection, mailoutbox: Outbox
) -> None:
    Connection.objects.update(launched_at=None)
    revoke(Connection.objects.get())
    raise_alerts()
    assert mailoutbox == []

    Connection.objects.update(launched_at=timezone.now())
    raise_alerts()
    Connection.objects.update(disconnected_at=timezone.now())
    raise_alerts()

    assert len(mailoutbox) == 1
    assert Alert.objects.get().ended_at is not None
