from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0026_changes_of_others")]

    operations = [
        migrations.AddField(
            model_name="mailprovider",
            name="dropped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="mailprovider",
            name="dropped_why",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="mailprovider",
            name="dropped_event",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
