from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0029_connected_at")]

    operations = [
        migrations.AddField("transferrecord", "refusals", models.JSONField(default=list)),
        migrations.AddIndex(
            "transferrecord",
            models.Index(fields=["transfer", "id"], condition=~models.Q(refusals=[]), name="records_refused"),
        ),
    ]
