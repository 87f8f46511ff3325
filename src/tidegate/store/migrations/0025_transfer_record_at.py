from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0024_transfer_includes")]

    operations = [
        migrations.AddField("transferrecord", "at", models.DateTimeField(blank=True, null=True)),
    ]
