from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0027_mail_provider_dropped")]

    operations = [
        migrations.AddField(
            model_name="attention",
            name="details",
            field=models.JSONField(default=dict),
        ),
    ]
