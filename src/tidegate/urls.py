from django.urls import URLPattern, URLResolver

from tidegate.web import health

urlpatterns: list[URLPattern | URLResolver] = [*health.urlpatterns]
