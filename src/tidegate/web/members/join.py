"""Where an invitation's link leads: new people choose name and password, known ones sign in, and then they join."""

from django import forms
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tidegate.errors import Conflict, NotFound
from tidegate.store.members import accept_as_new_user, accept_invitation, find_invitation
from tidegate.store.models import Invitation, Membership, User
from tidegate.web.access import WORKSPACE_KEY
from tidegate.web.accounts import NewUserForm


class JoinForm(NewUserForm):
    """The address is the invitation's; nobody joins with another one."""

    def __init__(self, data: object, email: str) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # handed on as it came
        self.address = email

    def sign_in_address(self) -> str:
        return self.address


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Looking changes nothing: programs that check the links of e-mails use no invitation up."""
    try:
        invitation = find_invitation(secret)
        if request.method == "POST":
            return _accept(request, secret, invitation)
    except NotFound as error:
        return render(request, "web/members/join_over.html", {"why": error.user_message}, status=404)
    except Conflict:
        return redirect("join", secret)  # what it clashes with shows there
    return _page(request, invitation, JoinForm(None, invitation.email))


def _accept(request: HttpRequest, secret: str, invitation: Invitation) -> HttpResponse:
    if isinstance(request.user, User):
        return _into_workspace(request, accept_invitation(secret, request.user))
    form = JoinForm(request.POST, invitation.email)
    if not form.is_valid():
        return _page(request, invitation, form)
    facts = form.cleaned_data
    member = accept_as_new_user(secret, name=facts["name"], password=facts["password"])
    login(request, member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return _into_workspace(request, member)


def _into_workspace(request: HttpRequest, member: Membership) -> HttpResponse:
    request.session[WORKSPACE_KEY] = str(member.workspace_id)
    return redirect("home")


def _page(request: HttpRequest, invitation: Invitation, form: forms.Form) -> HttpResponse:
    context = {
        "invitation": invitation,
        "form": form,
        "has_account": User.objects.filter(email=invitation.email).exists(),
        "is_theirs": isinstance(request.user, User) and request.user.email == invitation.email,
    }
    return render(request, "web/members/join.html", context, status=422 if form.errors else 200)
