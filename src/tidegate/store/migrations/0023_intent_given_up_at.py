from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0022_transfer_waits")]

    operations = [
        migrations.AddField(
            model_name="intent", name="given_up_at", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
