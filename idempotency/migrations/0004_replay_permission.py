from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0003_intent'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='record',
            options={'permissions': [('replay_record', 'Can send a given-up job again')]},
        ),
    ]
