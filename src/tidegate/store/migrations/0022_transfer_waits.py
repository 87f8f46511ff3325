from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0021_one_run_per_event")]

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
