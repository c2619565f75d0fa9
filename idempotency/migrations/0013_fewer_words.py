# PostgreSQL reads and compiles every CHECK, the trigger's WHEN and the generated column's expression anew for each statement
# that writes the table, and a third of a claim of one record went into that. The same rules in fewer and shorter words:
#
# - `record_shape` says of each state what nine CHECKs said, and `record_counts` what eight did.
# - The guard's rules stand in its function. WHEN only knows what workers do all the time, a claim and the end of an attempt,
#   and lets that pass without a call; by CHECK who has a lease is in processing, and who has an end has ended. Neither is
#   read where a statement sets none of its columns.
# - A function of plpgsql is called where it is needed, which is when a job is given up. One of SQL was copied into every
#   statement, with all that `idempotency_cause` says.
#
# It waits a moment for the table and then fails, rather than let every claim queue behind it; and it looks at no row, which
# is the next migration's part. Programs of the release before do with it as well.

import django.db.models.functions.comparison
import django.db.models.lookups
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

MESSAGE = """
    RAISE EXCEPTION 'record %: % (token %, attempt %) to % (token %, attempt %) is no arrow of the state machine',
        OLD.id, OLD.state, OLD.fencing_token, OLD.attempt, NEW.state, NEW.fencing_token, NEW.attempt
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Records change by `manage.py jobs`, by Django admin and by workers, never by hand.';
"""
RULES = """
    NEW.id = OLD.id AND NEW.task = OLD.task AND NEW.fingerprint = OLD.fingerprint AND NEW.max_attempts = OLD.max_attempts
    AND CASE
        WHEN NEW.state = OLD.state
            THEN NEW.attempt = OLD.attempt AND NEW.lease_id IS NOT DISTINCT FROM OLD.lease_id
                AND (NEW.fencing_token = OLD.fencing_token OR (NEW.fencing_token = OLD.fencing_token + 1
                    AND OLD.state IN ('failed_permanent', 'dead_lettered') AND NEW.resolved_at IS NOT NULL))
        WHEN NEW.state = 'processing'
            THEN OLD.state = 'queued' AND NEW.fencing_token = OLD.fencing_token + 1 AND NEW.attempt = OLD.attempt + 1
        WHEN OLD.state = 'processing'
            THEN NEW.fencing_token = OLD.fencing_token
                AND (NEW.attempt = OLD.attempt OR (NEW.state = 'queued' AND NEW.attempt = OLD.attempt - 1))
        WHEN OLD.state = 'queued'
            THEN NEW.state IN ('failed_permanent', 'dead_lettered') AND NEW.fencing_token = OLD.fencing_token
        WHEN OLD.state IN ('failed_permanent', 'dead_lettered')
            THEN NEW.state = 'queued' AND NEW.fencing_token = OLD.fencing_token + 1 AND NEW.attempt = 0
                AND OLD.resolution IS DISTINCT FROM 'superseded'
        ELSE false
    END
"""
GUARD = f"""
CREATE OR REPLACE FUNCTION idempotency_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ({RULES}) THEN
        RETURN NEW;
    END IF;
    {MESSAGE}
END $$;
CREATE OR REPLACE TRIGGER only_legal_arrows BEFORE UPDATE OF state, fencing_token, attempt, lease_id
    ON idempotency_record FOR EACH ROW WHEN (NOT CASE
        WHEN OLD.lease_expires_at IS NULL
            THEN OLD.finished_at IS NULL AND NEW.lease_expires_at IS NOT NULL
                AND NEW.fencing_token = OLD.fencing_token + 1 AND NEW.attempt = OLD.attempt + 1
        ELSE NEW.lease_expires_at IS NULL AND NEW.fencing_token = OLD.fencing_token AND NEW.attempt = OLD.attempt
    END) EXECUTE FUNCTION idempotency_refuse_update();
CREATE TRIGGER what_was_asked_stays BEFORE UPDATE OF id, task, fingerprint, max_attempts
    ON idempotency_record FOR EACH ROW EXECUTE FUNCTION idempotency_refuse_update();
CREATE OR REPLACE TRIGGER given_up_is_noted AFTER UPDATE OF state ON idempotency_record FOR EACH ROW
    WHEN (OLD.reason IS NULL AND NEW.reason IS NOT NULL) EXECUTE FUNCTION idempotency_note_given_up();
"""
GUARD_BEFORE = f"""
DROP TRIGGER what_was_asked_stays ON idempotency_record;
CREATE OR REPLACE TRIGGER given_up_is_noted AFTER UPDATE OF state ON idempotency_record FOR EACH ROW
    WHEN (NEW.state IN ('failed_permanent', 'dead_lettered') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION idempotency_note_given_up();
CREATE OR REPLACE TRIGGER only_legal_arrows BEFORE UPDATE ON idempotency_record FOR EACH ROW WHEN (NOT ({RULES}))
    EXECUTE FUNCTION idempotency_refuse_update();
CREATE OR REPLACE FUNCTION idempotency_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {MESSAGE}
END $$;
"""
# With a search path of its own: a restored dump fills the table where there is none.
INCIDENT = r"""
CREATE OR REPLACE FUNCTION idempotency_incident(task text, error text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN md5(task || E'\n' || idempotency_cause(error))::uuid;
END $$;
"""
INCIDENT_BEFORE = r"""
CREATE OR REPLACE FUNCTION idempotency_incident(task text, error text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(task || E'\n' || idempotency_cause(error))::uuid;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0012_cancel_columns_dropped'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL lock_timeout = '5s'", migrations.RunSQL.noop),
        migrations.RunSQL(INCIDENT, INCIDENT_BEFORE),
        migrations.RunSQL(GUARD, GUARD_BEFORE),
        AddConstraintNotValid(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(django.db.models.lookups.LessThanOrEqual(models.Func(models.F('lease_expires_at'), models.F('finished_at'), models.F('line'), models.Case(models.When(models.Q(('held', True), ('parked_reason__isnull', False), _connector='OR'), then=True), default=None, output_field=models.BooleanField()), function='num_nonnulls', output_field=models.IntegerField()), 1), models.Q(('lease_expires_at__isnull', True), ('lease_id__isnull', False), _connector='OR'), models.Q(models.Q(('reason__isnull', True), ('state', models.Case(models.When(lease_expires_at__isnull=False, then=models.Value('processing')), models.When(finished_at__isnull=False, then=models.Value('succeeded')), default=models.Value('queued'), output_field=models.TextField()))), models.Q(('finished_at__isnull', False), ('reason__in', ['permanent', 'cancelled', 'attempts_exhausted', 'poison', 'unknown_outcome']), ('reason__isnull', False), ('state__in', ['dead_lettered', 'failed_permanent'])), _connector='OR')), name='record_shape'),
        ),
        AddConstraintNotValid(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(django.db.models.lookups.Exact(models.Func(models.F('resolved_at'), models.F('resolved_by'), models.F('resolution'), function='num_nonnulls', output_field=models.IntegerField()), 0), models.Q(django.db.models.lookups.Exact(models.Func(models.F('resolved_at'), models.F('resolved_by'), models.F('resolution'), function='num_nonnulls', output_field=models.IntegerField()), 3), ('reason__isnull', False), ('resolution__in', ['discarded', 'superseded'])), _connector='OR'), name='record_resolution'),
        ),
        AddConstraintNotValid(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(('attempt__lte', models.F('max_attempts')), ('max_attempts__gte', 1), django.db.models.lookups.GreaterThanOrEqual(django.db.models.functions.comparison.Least(models.F('attempt'), models.F('payload_version'), models.F('given_back'), models.F('deaths'), models.F('calls'), models.F('replay_count'), output_field=models.IntegerField()), 0)), name='record_counts'),
        ),
        migrations.RemoveConstraint(model_name='record', name='record_state_known'),
        migrations.RemoveConstraint(model_name='record', name='record_leased_while_processing'),
        migrations.RemoveConstraint(model_name='record', name='record_finished_when_terminal'),
        migrations.RemoveConstraint(model_name='record', name='record_reason_when_given_up'),
        migrations.RemoveConstraint(model_name='record', name='record_parked_while_queued'),
        migrations.RemoveConstraint(model_name='record', name='record_attempts_capped'),
        migrations.RemoveConstraint(model_name='record', name='record_lined_while_queued'),
        migrations.RemoveConstraint(model_name='record', name='record_held_while_queued'),
        migrations.RemoveConstraint(model_name='record', name='record_resolved_when_given_up'),
        migrations.AlterField(
            model_name='record',
            name='attempt',
            field=models.IntegerField(help_text='counted when claimed'),
        ),
        migrations.AlterField(
            model_name='record',
            name='calls',
            field=models.SmallIntegerField(db_default=1, help_text='to the vendor, in one attempt'),
        ),
        migrations.AlterField(
            model_name='record',
            name='deaths',
            field=models.IntegerField(help_text='workers that died while they had this job alone'),
        ),
        migrations.AlterField(
            model_name='record',
            name='given_back',
            field=models.IntegerField(help_text='attempts returned because the job was not to blame'),
        ),
        migrations.AlterField(
            model_name='record',
            name='max_attempts',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='record',
            name='payload_version',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='record',
            name='replay_count',
            field=models.IntegerField(),
        ),
    ]
