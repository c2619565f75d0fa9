from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# PostgreSQL's own setting waits until a fifth of the table is dead: beside ten million ended records, two million rows,
# and every claim steps over those of its queue.
SETTINGS = """
ALTER TABLE idempotency_record SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000)
"""
UNSET = "ALTER TABLE idempotency_record RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)"


class Migration(migrations.Migration):

    atomic = False  # the index is built beside the work that goes on

    dependencies = [
        ('idempotency', '0008_given_up'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='record',
            index=models.Index(models.F('finished_at'), condition=models.Q(('pruned_at__isnull', True), ('state', 'succeeded')), name='record_ended'),
        ),
        migrations.RunSQL(SETTINGS, UNSET),
    ]
