from django.apps import AppConfig


class WiringConfig(AppConfig):
    name = "tidegate.wiring"
    label = "wiring"

    def ready(self) -> None:
        from tidegate.wiring.news import listen

        listen()
