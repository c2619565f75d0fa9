"""What the models take from the code: for each statement, the conditions without which its guard would be another.

Written as they stand in the SQL files, parts put in and white space made single.
"""

OWN = (
    "r.id = o.id",
    "(r.state = 'processing') IS TRUE",
    "r.fencing_token = o.token",
    "r.lease_id = %(lease_id)s",
)
OWNED = (  # the same of a batch
    "r.id = ANY(%(ids)s::uuid[])",
    "(r.state = 'processing') IS TRUE",
    "r.fencing_token = (%(tokens)s::bigint[])[array_position(%(ids)s::uuid[], r.id)]",
    "r.lease_id = %(lease_id)s",
)
TAKEN_BACK = "intent_at = CASE WHEN %(nothing_done)s THEN NULL ELSE intent_at END"
# Whoever stands in a line is claimable, but for his queue: the table itself lets nobody else stand there.
STAGED = ("state = 'queued'", "parked_reason IS NULL", "NOT held", "attempt < max_attempts", "paused_at IS NOT NULL")

GUARDS = {
    "enqueue": ("ON CONFLICT DO NOTHING",),
    "enqueue_one": ("ON CONFLICT DO NOTHING",),
    "stage": STAGED,
    "claim": (
        "r.line = t.line",
        "attempt < max_attempts",
        "paused_at IS NOT NULL",
        "r.state = 'queued'",
        "FOR UPDATE SKIP LOCKED",
        "NOT (solo OR solo_first)",
        "alone = (SELECT count(*) FROM taken) = 1",
        "line = NULL",
    ),
    "claim_lone": (
        "line IS NOT NULL",
        "attempt < max_attempts",
        "OFFSET 1 LIMIT 1) IS NULL",
        "vendor IS NOT NULL OR paused_at IS NOT NULL",
        "r.state = 'queued'",
        "FOR UPDATE SKIP LOCKED",
        "alone = true",
        "line = NULL",
    ),
    "succeed": OWNED,
    "retry": (*OWN, "WHEN attempt >= max_attempts THEN 'dead_lettered'", TAKEN_BACK),
    "fail": OWN,
    "dead_letter": OWN,
    "terminate": OWN,
    "give_back": (*OWNED, "given_back < %(bound)s OR NOT %(begun)s", TAKEN_BACK),
    "renew": OWNED,
    "intend": (*OWN, "SET intent_at = coalesce(r.intent_at, statement_timestamp())"),
    "reap": (
        "r.state = 'processing' AND r.lease_expires_at < statement_timestamp()",
        "WHEN NOT alone THEN NULL WHEN deaths + 1 >= %(poison)s THEN 'poison'",
        "WHEN attempt < max_attempts THEN NULL WHEN intent_at IS NULL THEN 'attempts_exhausted' ELSE 'unknown_outcome'",
        "attempt = attempt - CASE WHEN alone THEN 0 ELSE 1 END",
        "solo = true",
    ),
    "exhaust": ("state = 'queued'", "parked_reason IS NULL", "attempt >= max_attempts"),
    "cancel": ("state = 'queued'", "fencing_token = %(token)s"),
    "discard": ("state IN ('failed_permanent', 'dead_lettered')", "r.fencing_token = o.token", "resolved_at IS NULL"),
    "supersede": (
        "state IN ('failed_permanent', 'dead_lettered')",
        "fencing_token = %(token)s",
        "resolution IS DISTINCT FROM 'superseded'",
        "(intent_at IS NULL OR %(nothing_done)s)",
        "NOT EXISTS (SELECT FROM idempotency_record AS n WHERE n.key = idempotency_record.freed_key)",
        "key = NULL, freed_key = NULL",
    ),
    "replay": (
        "state IN ('failed_permanent', 'dead_lettered')",
        "r.fencing_token = o.token",
        "resolution IS DISTINCT FROM 'superseded'",
        "attempt = 0",
        "NOT EXISTS (SELECT FROM idempotency_record AS newer WHERE newer.key = r.freed_key)",
        "key = coalesce(key, freed_key)",
    ),
    "prune": ("state = 'succeeded'", "old.key IS NOT NULL", "old.key IS NULL"),
    "free_key": (
        "state IN ('succeeded', 'failed_permanent', 'dead_lettered')",
        "finished_at < statement_timestamp()",
        "freed_key = key",
    ),
    "backlog": ("line IS NOT NULL", "paused_at IS NOT NULL"),
    "expire": ("state = 'processing'", "claimed_by = %(claimed_by)s"),
}
CLAIMS = ("attempt = attempt + 1", "fencing_token = r.fencing_token + 1", "lease_id = %(lease_id)s")
RAISES = {
    "claim": CLAIMS,
    "claim_lone": CLAIMS,
    "discard": ("fencing_token = fencing_token + 1",),
    "supersede": ("fencing_token = fencing_token + 1",),
    "replay": ("fencing_token = fencing_token + 1",),
}
