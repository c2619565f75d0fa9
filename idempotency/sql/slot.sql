-- queue: one call's slot, for a caller that no claim gave one; in how many seconds, and how late it may be used
UPDATE idempotency_queue AS q
SET next_call_at = gate.at + (gate.first_in + gate.apart) * interval '1 second'
FROM (WITH restraint AS (SELECT * FROM idempotency_queue WHERE name = %(queue)s FOR UPDATE) {{gate}}) AS gate
WHERE q.name = gate.name AND gate.apart IS NOT NULL
RETURNING greatest(gate.first_in, 0), gate.late
