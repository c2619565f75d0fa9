-- none → queued: enqueue
WITH requested AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(keys)s::uuid[], %(fingerprints)s::uuid[], %(payloads)s::text[],
        %(accounts)s::text[], %(account_hashes)s::int[]) AS r (id, key, fingerprint, payload, account, account_hash)
), {{inserted}}
SELECT {{claimable_now}}, CASE WHEN count(*) < %(asked)s THEN coalesce(array_agg(id), '{}') END
FROM inserted
