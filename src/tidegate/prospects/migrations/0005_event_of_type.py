"""Prospects are found by what happened to their e-mails: quickly, however many events a workspace has."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0004_without_email")]

    operations = [
        migrations.AddIndex(
            model_name="campaignevent",
            index=models.Index(
                fields=["workspace_id", "type", "at"],
                include=["prospect"],
                condition=models.Q(automatic=False, prospect__isnull=False),
                name="campaign_event_of_type",
            ),
        ),
    ]
