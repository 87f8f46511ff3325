"""Passwords: changed by whoever knows theirs, chosen anew by whoever has a link (`wiring.passwords`)."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, ResetPasswordForm, ResetPasswordKeyForm
from allauth.account.views import PasswordChangeView, PasswordResetFromKeyView, PasswordResetView
from django.contrib import messages
from django.forms import Field
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from tidegate.config import config
from tidegate.web.accounts import GOOD_PASSWORD
from tidegate.wiring.passwords import HOURS, have_link_mailed


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _say(self.fields["email"], _("E-mail address"))

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        """Whether there is such a user is told to nobody but them."""
        for user in self.users if config.mail_server else ():
            have_link_mailed(user)
        return str(self.cleaned_data["email"])


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _once(self.fields)


class OtherPasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _say(self.fields["oldpassword"], _("Present password"))
        _once(self.fields)


class ForgottenView(PasswordResetView):  # type: ignore[misc]  # allauth has no types
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "mails": bool(config.mail_server)}


class ChangeView(PasswordChangeView):  # type: ignore[misc]  # allauth has no types
    success_url = reverse_lazy("account")

    def form_valid(self, form: OtherPasswordForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        messages.success(self.request, _("Password changed"))
        return answer


forgotten = ForgottenView.as_view()
change = ChangeView.as_view()
choose = PasswordResetFromKeyView.as_view(extra_context={"hours": HOURS}, form_class=NewPasswordForm)


def _once(fields: dict[str, Field]) -> None:
    """What is typed can be looked at, so it is not typed twice."""
    del fields["password2"]
    _say(fields["password1"], _("New password"))
    fields["password1"].help_text = GOOD_PASSWORD


def _say(field: Field, label: str) -> None:
    field.label, field.help_text = label, ""
    field.widget.attrs.pop("placeholder", None)
