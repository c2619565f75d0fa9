-- queued → processing: claim
WITH RECURSIVE restraint AS MATERIALIZED (
    SELECT * FROM idempotency_queue WHERE name = %(queue)s AND (vendor IS NOT NULL OR {{paused}}) FOR UPDATE
), gate AS MATERIALIZED (
    {{gate}}
), lines AS (
    {{lines}}
), turns AS (
    {{turns}}
), seen AS MATERIALIZED (
    {{seen}}
), chosen AS MATERIALIZED (
    {{chosen}}
), admitted AS (
    {{admitted}}
), taken AS MATERIALIZED (
    SELECT chosen.*, chosen.calls_before * gate.apart + gate.first_in AS slot_in FROM chosen, gate
    WHERE NOT gate.by_account OR chosen.id IN (SELECT held_by FROM admitted)
), spent AS (
    {{spent}}
), claimed AS (
    {{take}}
    RETURNING {{handed}}
)
{{told}}
