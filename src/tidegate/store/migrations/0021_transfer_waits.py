from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0020_audit_log")]

    operations = [
        migrations.AddField(
            model_name="transfer", name="waits", field=models.JSONField(default=list)
        ),
        migrations.AddField(
            model_name="transfer", name="paused_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            model_name="transfer", name="paused_by", field=models.CharField(blank=True, max_length=200)
        ),
    ]
