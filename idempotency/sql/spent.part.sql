-- What the taken use up of slots, of the retry budget and of the one probe.
UPDATE idempotency_queue AS q
SET next_call_at = gate.at + (gate.first_in + t.calls * gate.apart) * interval '1 second',
    retry_tokens = least(10, gate.tokens + coalesce(gate.retry_share, 0) * (t.jobs - t.retries) - t.retries),
    retry_tokens_at = statement_timestamp(),
    probe_id = CASE WHEN gate.probing THEN t.id END, probe_token = CASE WHEN gate.probing THEN t.token END
FROM gate, (SELECT count(*) AS jobs, max(calls_before + calls) AS calls, count(*) FILTER (WHERE line & 1 = 1) AS retries,
                (array_agg(id))[1] AS id, max(fencing_token) + 1 AS token FROM taken) AS t
WHERE q.name = %(queue)s AND q.vendor IS NOT NULL AND t.jobs > 0
