from django.apps import AppConfig


class CliConfig(AppConfig):
    name = "tidegate.cli"
    label = "cli"
