"""Django's settings, made from the server's own (`tidegate.config`): one line names what is wrong and gives an example."""

from pathlib import Path

from django.utils.translation import to_language

from tidegate.config import config

SECRET_KEY = config.secret_key
DEBUG = config.debug
ALLOWED_HOSTS = config.allowed_hosts
CSRF_TRUSTED_ORIGINS = [config.public_url]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "tidegate.web",  # before allauth, whose templates it replaces
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "tidegate.store",
    "tidegate.prospects",
    "tidegate.wiring",
    "tidegate.api",
    "tidegate.cli",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tidegate.web.security.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tidegate.web.errors.TidegateErrors",
]
ROOT_URLCONF = "tidegate.urls"
WSGI_APPLICATION = "tidegate.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tidegate.web.context.shell",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "tidegate.web.templatetags.tidegate_tags",
            ],
        },
    },
]
DATABASES = {"default": config.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "store.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
CSRF_FAILURE_VIEW = "tidegate.web.errors.csrf_failure"
ACCOUNT_ADAPTER = "tidegate.web.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "tidegate.web.accounts.SignInForm",
    "reset_password": "tidegate.web.passwords.ForgottenForm",
    "reset_password_from_key": "tidegate.web.passwords.NewPasswordForm",
    "change_password": "tidegate.web.passwords.OtherPasswordForm",
}
PASSWORD_RESET_TIMEOUT = 4 * 3600
"""Seconds a link for a new password works."""
MFA_ADAPTER = "tidegate.web.accounts.MfaAdapter"
MFA_TOTP_ISSUER = "Tidegate"
ALLAUTH_TRUSTED_PROXY_COUNT = (
    1 if config.behind_proxy else 0
)  # whose tries are counted: the visitor's, not the proxy's
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_SECURE = config.public_url.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if config.behind_proxy else None

# English, and what has a folder there; the browser says which of them is shown. Without the list Django would offer its own.
LANGUAGE_CODE = "en"
LOCALE_PATHS = [str(Path(__file__).parent / "locale")]
LANGUAGES = [
    ("en", "English"),
    *((to_language(folder.name), folder.name) for folder in sorted(Path(LOCALE_PATHS[0]).glob("*"))),
]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = str(config.home / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if config.testing
        else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

PROCRASTINATE_IMPORT_PATHS = ["tidegate.tasks"]
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": config.worker_concurrency,
    "listen_notify": True,
    "fetch_job_polling_interval": 2.0,
    "update_heartbeat_interval": 3.0,
    "stalled_worker_timeout": 10.0,
    "shutdown_graceful_timeout": 10.0,
    "delete_jobs": "successful",
}

# The mail server that alerts and invitations go out by, where there is one.
EMAIL_HOST = config.mail_server.get("EMAIL_HOST", "")
EMAIL_PORT = config.mail_server.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = config.mail_server.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = config.mail_server.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = config.mail_server.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = config.mail_server.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = config.mail_server.get("EMAIL_TIMEOUT", 20)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
