from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0023_intent_given_up_at")]

    operations = [
        migrations.AddField("transfer", "past_emails", models.BooleanField(default=False)),
        migrations.AddField("transfer", "constants", models.BooleanField(default=True)),
    ]
