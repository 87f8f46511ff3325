"""Once a minute: what somebody should be told of, into the log, onto the pages and the API, and by e-mail where there is a server."""

from django.urls import reverse
from django.utils.translation import gettext as _

from tidegate.config import config
from tidegate.store.alerts import alerts_to_mail, look_for_alerts, mark_mailed, who_is_told
from tidegate.store.models import Alert
from tidegate.wiring import mail


def raise_alerts() -> None:
    look_for_alerts()
    if not config.mail_server:
        return
    for alert in alerts_to_mail():
        _mail(alert)


def _mail(alert: Alert) -> None:
    """A mail server that does not take it is asked again at the next look."""
    addresses = who_is_told(alert)
    if not addresses:
        return
    company = alert.connection.company_name
    address = config.public_url + reverse("overview", args=[alert.connection_id])
    taken = mail.send(
        "alert",
        company,
        subject=_("Tidegate: %(company)s needs you") % {"company": company},
        paragraphs=[company, alert.text, address, _("You get at most one e-mail a day about this.")],
        bcc=addresses,
    )
    if taken:
        mark_mailed(alert)
