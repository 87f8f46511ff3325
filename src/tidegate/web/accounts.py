"""Who may become a user, how long a second factor lasts, and the account page.

Nobody signs up by themselves: the first owner comes in by the set-up code (`web.first_run`), the others are invited (`web.members`).
The secrets of second factors are encrypted in the database with the server's own keys.
"""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tidegate.store.models import User
from tidegate.store.secrets import decrypt, encrypt
from tidegate.web.access import MemberRequest, member_required
from tidegate.web.context import THEMES

THEME_SECONDS = 400 * 86400
GOOD_PASSWORD = gettext_lazy("10 characters or more, and not one of those that everybody uses.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy("The e-mail address or the password is wrong."),
        "too_many_login_attempts": gettext_lazy("Too many tries. Wait 5 minutes, then sign in again."),
        "incorrect_password": gettext_lazy("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: object, **kwargs: object) -> None:
        """Signing in and out is seen; it needs no message."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "This code is wrong, or was used already. Enter the one that is shown now."
        ),
    }

    def encrypt(self, text: str) -> str:
        return encrypt(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text.encode())


class NewUserForm(forms.Form):
    """What a new user enters about themselves, whoever lets them in."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        help_text=GOOD_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )

    def sign_in_address(self) -> str:
        """The address they are going to sign in with."""
        address: str = self.cleaned_data.get("email", "")
        return address

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user = User(email=self.sign_in_address(), name=self.cleaned_data.get("name", ""))
        password_validation.validate_password(password, user)
        return password


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    class Meta:
        model = User
        fields = ["name"]
        labels = {"name": gettext_lazy("Your name")}


@member_required
def account(request: MemberRequest) -> HttpResponse:
    """The member's own name and second factor."""
    form = AccountForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved"))
        return redirect("account")
    has_totp = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.TOTP).exists()
    return render(request, "web/account.html", {"form": form, "has_totp": has_totp})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark or as the system has it; remembered by the browser, so that the sign-in page follows too."""
    chosen = request.POST.get("theme", "")
    response = redirect("account")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=THEME_SECONDS, samesite="Lax", httponly=True)
    return response


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["password"].help_text = ""

    def full_clean(self) -> None:
        """Which of the two is wrong is not told; the password is what has to be entered again."""
        super().full_clean()
        if self.non_field_errors():
            self.fields["password"].widget.attrs["aria-invalid"] = "true"
