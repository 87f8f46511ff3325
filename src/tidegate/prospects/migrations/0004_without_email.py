"""Those without an e-mail address are counted for the settings of a connection: quickly, however many others there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prospects", "0003_event_message_id")]

    operations = [
        migrations.AddIndex(
            model_name="prospect",
            index=models.Index(
                fields=["workspace_id", "id"], condition=models.Q(emails=[]), name="prospects_without_email"
            ),
        ),
    ]
