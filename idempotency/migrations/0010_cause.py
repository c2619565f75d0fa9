# A number from 400 to 599 is a cause only where it stands as a status: behind a word that says so, before the phrase that
# HTTP has for it, or as smtplib writes an answer. Elsewhere it is an id or a count like any other, and two jobs that met
# the same trouble are one incident.

from django.db import migrations

CAUSE = r"""
CREATE OR REPLACE FUNCTION idempotency_cause(error text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    regexp_replace(
        regexp_replace(left(split_part(coalesce(error, ''), E'\n', 1), 500), '\S+@\S+', '#', 'g'),
        '(?<![\w./:@-])(?:(?![45][0-9]{2}[:.]?(?![\w./:@-]))'
        '|(?<!(?:HTTP|HTTP/[0-9.]+|HTTP [Ee]rror|[Ss]tatus|[Cc]ode)[''"]?[ :=]{1,3})'
        '(?![45][0-9]{2}[:.]? (?:(?:Client|Server) Error|error responses?|Bad Request|Unauthorized|Payment Required'
        '|Forbidden|Not Found|Method Not Allowed|Not Acceptable|Proxy Authentication Required|Request Timeout|Conflict'
        '|Gone|Length Required|Precondition|Payload Too Large|Content Too Large|Request|URI Too Long|Unsupported Media'
        '|Range Not Satisfiable|Expectation Failed|Misdirected Request|Unprocessable|Locked|Failed Dependency|Too Early'
        '|Upgrade Required|Too Many Requests|Unavailable For Legal Reasons|Internal Server Error|Not Implemented'
        '|Bad Gateway|Service Unavailable|Gateway Time-?out|HTTP Version Not Supported|Variant Also|Insufficient Storage'
        '|Loop Detected|Not Extended|Network Authentication Required))'
        '(?!(?<=\()[45][0-9]{2}, b[''"])(?![45][0-9]{2}, message=))'
        '[\w./:@-]*[0-9][\w./:@-]*', '#', 'g');
"""
CAUSE_BEFORE = r"""
CREATE OR REPLACE FUNCTION idempotency_cause(error text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    regexp_replace(
        regexp_replace(left(split_part(coalesce(error, ''), E'\n', 1), 500), '\S+@\S+', '#', 'g'),
        '(?<![\w./:@-])(?![45][0-9]{2}(?![\w./:@-]))[\w./:@-]*[0-9][\w./:@-]*', '#', 'g');
"""
# What waits for a person is grouped anew; what is decided stays where it was decided. Assignees and comments stay with
# the incident under which they were written.
REGROUP = """
UPDATE idempotency_record SET error = error
WHERE state IN ('failed_permanent', 'dead_lettered') AND resolved_at IS NULL
  AND incident IS DISTINCT FROM idempotency_incident(task, error)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0009_retention'),
    ]

    operations = [
        migrations.RunSQL(CAUSE, CAUSE_BEFORE),
        migrations.RunSQL(REGROUP, REGROUP),
    ]
