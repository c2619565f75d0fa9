# Nothing writes these columns: a running job is cancelled by its statement. First the code forgets them, and the table
# keeps them for the programs of the release before, which name them; the next migration drops them.

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0010_cause'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[
            migrations.RemoveConstraint(model_name='record', name='record_cancel_requested_of_its_owner'),
            migrations.RemoveField(model_name='record', name='cancel_requested_at'),
            migrations.RemoveField(model_name='record', name='cancel_requested_by'),
            migrations.RemoveField(model_name='record', name='cancel_why'),
        ]),
    ]
