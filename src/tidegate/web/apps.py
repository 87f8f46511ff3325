from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "tidegate.web"
    label = "web"
