from django.db import migrations

# Second line of defence. The first is the guard in each statement's WHERE; this one also stands where somebody writes
# to the table by hand, or with a statement that forgot its guard.
#
# The rules stand in WHEN: PostgreSQL evaluates them without calling the function, which only says no. A function that
# were called for each row would cost more than all the rest of a claim.
INSTALL = """
CREATE FUNCTION idempotency_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'record %: % (token %, attempt %) to % (token %, attempt %) is no arrow of the state machine',
        OLD.id, OLD.state, OLD.fencing_token, OLD.attempt, NEW.state, NEW.fencing_token, NEW.attempt
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Records change by `manage.py jobs`, by Django admin and by workers, never by hand.';
END $$;

CREATE FUNCTION idempotency_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'record % is %: only a succeeded record may be deleted', OLD.id, OLD.state
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Cancel, replay or discard the job instead. A deleted record is a lost job.';
END $$;

CREATE TRIGGER only_legal_arrows BEFORE UPDATE ON idempotency_record FOR EACH ROW WHEN (NOT (
    NEW.id = OLD.id AND NEW.task = OLD.task AND NEW.fingerprint = OLD.fingerprint AND NEW.max_attempts = OLD.max_attempts
    AND CASE
        WHEN NEW.state = OLD.state
            THEN NEW.fencing_token = OLD.fencing_token AND NEW.attempt = OLD.attempt
                AND NEW.lease_id IS NOT DISTINCT FROM OLD.lease_id
        WHEN NEW.state = 'processing'
            THEN OLD.state = 'queued' AND NEW.fencing_token = OLD.fencing_token + 1 AND NEW.attempt = OLD.attempt + 1
        WHEN OLD.state = 'processing'
            THEN NEW.fencing_token = OLD.fencing_token
                AND (NEW.attempt = OLD.attempt OR (NEW.state = 'queued' AND NEW.attempt = OLD.attempt - 1))
        WHEN OLD.state = 'queued'
            THEN NEW.state IN ('failed_permanent', 'dead_lettered') AND NEW.fencing_token = OLD.fencing_token
        WHEN OLD.state IN ('failed_permanent', 'dead_lettered')
            THEN NEW.state = 'queued' AND NEW.fencing_token = OLD.fencing_token + 1 AND NEW.attempt = 0
        ELSE false
    END)) EXECUTE FUNCTION idempotency_refuse_update();

CREATE TRIGGER only_succeeded_go BEFORE DELETE ON idempotency_record FOR EACH ROW
    WHEN (OLD.state <> 'succeeded') EXECUTE FUNCTION idempotency_refuse_delete();
"""
REMOVE = """
DROP TRIGGER only_succeeded_go ON idempotency_record;
DROP TRIGGER only_legal_arrows ON idempotency_record;
DROP FUNCTION idempotency_refuse_delete();
DROP FUNCTION idempotency_refuse_update();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("idempotency", "0004_replay_permission"),
    ]

    operations = [
        migrations.RunSQL(INSTALL, REMOVE),
    ]
