"""A new password for somebody who forgot theirs: a link that works once, by e-mail or handed over by whoever runs the server."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from tidegate.config import config
from tidegate.errors import NotFound
from tidegate.store.models import User
from tidegate.wiring import mail
from tidegate.words import say

MAIL_LINK = "tidegate.password-link"
HOURS = settings.PASSWORD_RESET_TIMEOUT // 3600


def find_user(email: str) -> User:
    """Whoever signs in with this address. Raises NotFound."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is None:
        raise NotFound(say("Nobody signs in with {email}. Check how it is spelled.", email=email.strip()))
    return user


def password_link(user: User) -> str:
    """Where they choose a new password. It is worthless once they did, signed in, or `HOURS` have passed."""
    facts = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return config.public_url + reverse("account_reset_password_from_key", kwargs=facts)


def have_link_mailed(user: User) -> None:
    """A worker sends it: how long the page takes must not tell whether there is such a user."""
    app.configure_task(MAIL_LINK, queue="sweep").defer(user_id=user.pk)


def mail_link(user_id: int) -> None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return
    mail.send(
        "link",
        user.email,
        subject=_("Tidegate: choose a new password"),
        paragraphs=[
            _("Somebody, most likely you, asked for a new password for Tidegate."),
            password_link(user),
            _("The link works once, for %(hours)d hours. If you did not ask for it, do nothing.")
            % {"hours": HOURS},
        ],
        to=[user.email],
    )
