from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0010_automation_runs")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="webhooks_suspected_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="lane", name="swept_at", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
