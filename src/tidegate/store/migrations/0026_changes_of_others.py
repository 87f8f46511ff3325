from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0025_transfer_record_at")]

    operations = [
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                fields=["connection"],
                condition=models.Q(done_at__isnull=True) & ~models.Q(source="own"),
                name="change_of_others",
            ),
        ),
    ]
