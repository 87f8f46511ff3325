"""E-mails to people: composed here, and told to the operator where the mail server does not take them."""

import logging
from collections.abc import Sequence
from smtplib import SMTPException

from django.core.mail import EmailMessage

from tidegate.config import config

log = logging.getLogger(__name__)


def send(
    kind: str,
    about: str,
    *,
    subject: str,
    paragraphs: Sequence[str],
    to: Sequence[str] = (),
    bcc: Sequence[str] = (),
) -> bool:
    """Whether the mail server took it. `kind` and `about`: what the log calls it."""
    message = EmailMessage(
        subject=subject, body="\n\n".join(paragraphs), from_email=config.mail_from, to=to, bcc=bcc
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        log.warning("The %s for %s could not be mailed: %s", kind, about, error)
        return False
    return True
