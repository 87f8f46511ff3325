from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F
from django.utils import timezone


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor | None) -> None:
    """What is known of connections made before: when they were made."""
    apps.get_model("store", "Connection").objects.update(connected_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("store", "0028_case_details")]

    operations = [
        migrations.AddField("connection", "connected_at", models.DateTimeField(default=timezone.now)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
