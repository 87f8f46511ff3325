import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tidegate.settings")
_pages = get_wsgi_application()

from tidegate.web.intake import intake_before  # noqa: E402 - models can be imported only once Django is set up

application = intake_before(_pages)
