"""Once a minute: what somebody should be told of, into the log, onto the pages and the API, and by e-mail where there is a server."""

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _

from tidegate.config import config
from tidegate.store.alerts import alerts_to_mail, look_for_alerts, mark_mailed, who_is_told
from tidegate.store.models import Alert

log = logging.getLogger(__name__)


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
    message = EmailMessage(
        subject=_("Tidegate: %(company)s needs you") % {"company": company},
        body="\n\n".join([company, alert.text, address, _("You get at most one e-mail a day about this.")]),
        from_email=config.mail_from,
        bcc=addresses,
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        log.warning("The alert about %s could not be mailed: %s", company, error)
    else:
        mark_mailed(alert)
