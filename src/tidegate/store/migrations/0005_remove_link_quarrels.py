from django.db import migrations


class Migration(migrations.Migration):
    """Turns are counted in the activity log."""

    dependencies = [("store", "0004_previews")]

    operations = [migrations.RemoveField(model_name="link", name="quarrels")]
