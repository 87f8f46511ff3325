from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "tidegate.api"
    label = "api"
