from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('store', '0020_audit_log'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='automationrun',
            constraint=models.UniqueConstraint(fields=('connection', 'event_id'), name='one_run_per_event'),
        ),
    ]
