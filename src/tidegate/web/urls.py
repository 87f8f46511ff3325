"""The addresses of the pages. A name here is what templates and redirects use.

Pages about a connection live under /connections/<uuid:connection_id>/ and take `connection_id`; `overview`, `activity`,
`transfers` and `settings` are what the rail leads to. Each area keeps its own `urlpatterns` and is included here.
"""

from allauth.account import views as account_views
from allauth.mfa import urls as mfa_urls
from django.urls import URLPattern, URLResolver, include, path, re_path

from tidegate.web import accounts, first_run, home, passwords

sign_in: list[URLPattern | URLResolver] = [
    path("login/", account_views.login, name="account_login"),
    path("login/code/", include(mfa_urls.urlpatterns)),
    path("login/again/", account_views.reauthenticate, name="account_reauthenticate"),
    path("login/inactive/", account_views.account_inactive, name="account_inactive"),
    path("logout/", account_views.logout, name="account_logout"),
    path("password/", passwords.forgotten, name="account_reset_password"),
    path("password/sent/", account_views.password_reset_done, name="account_reset_password_done"),
    path(
        "password/changed/",
        account_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        passwords.choose,
        name="account_reset_password_from_key",
    ),
    path("first-run/", first_run.first_run, name="first-run"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("sync-status/", home.sync_status, name="sync-status"),
    path("workspace/", home.choose_workspace, name="choose-workspace"),
    path("no-workspace/", home.no_workspace, name="no-workspace"),
    path("account/", accounts.account, name="account"),
    path("account/password/", passwords.change, name="account_change_password"),
    path("account/theme/", accounts.theme, name="theme"),
    *sign_in,
    path("help/", include("tidegate.web.help.urls")),
    path("", include("tidegate.web.members.urls")),
    path("api-keys/", include("tidegate.web.api_keys.urls")),
    path("prospects/", include("tidegate.web.prospects.urls")),
    path("", include("tidegate.web.integrations.urls")),
    path("integrations/mail-providers/", include("tidegate.web.mail_providers.urls")),
    path("connections/<uuid:connection_id>/", include("tidegate.web.setup.urls")),
    path("connections/<uuid:connection_id>/", include("tidegate.web.overview.urls")),
    path("connections/<uuid:connection_id>/activity/", include("tidegate.web.activity.urls")),
    path("connections/<uuid:connection_id>/automations/", include("tidegate.web.automations.urls")),
    path("connections/<uuid:connection_id>/transfers/", include("tidegate.web.transfers.urls")),
]
