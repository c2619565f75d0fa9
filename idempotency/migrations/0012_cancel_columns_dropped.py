# Once no program of the release before runs: `migrate idempotency 0011` before a deploy that must not stop, and `migrate`
# after it. Workers never name these columns; the admin and replays of the release before do, and would fail until they
# are restarted. It waits a moment for the table and then fails, rather than let every claim queue behind it.

from django.db import migrations

DROP = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE idempotency_record
    DROP CONSTRAINT record_cancel_requested_of_its_owner,
    DROP COLUMN cancel_requested_at, DROP COLUMN cancel_requested_by, DROP COLUMN cancel_why;
"""
ADD = """
ALTER TABLE idempotency_record
    ADD COLUMN cancel_requested_at timestamptz, ADD COLUMN cancel_requested_by text, ADD COLUMN cancel_why text,
    ADD CONSTRAINT record_cancel_requested_of_its_owner CHECK (cancel_requested_at IS NULL OR NOT (state = 'queued'));
"""


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0011_cancel_columns_forgotten'),
    ]

    operations = [
        migrations.RunSQL(DROP, ADD),
    ]
