-- none: what was committed before without waiting for the disk is on it when this one answers
SELECT pg_logical_emit_message(true, 'jobs', 'harden')
