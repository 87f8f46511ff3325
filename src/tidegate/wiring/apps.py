from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

IDLE_TRANSACTION_SECONDS = 60


class WiringConfig(AppConfig):
    name = "tidegate.wiring"
    label = "wiring"

    def ready(self) -> None:
        from tidegate.wiring.news import listen

        listen()
        connection_created.connect(end_idle_transactions, dispatch_uid="tidegate.idle-transactions")


def end_idle_transactions(*, connection: Any, **_: Any) -> None:
    """A process that froze inside a transaction must not keep the rows it had locked from those who go on."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS}s'")
