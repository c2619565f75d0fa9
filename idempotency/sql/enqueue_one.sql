-- none → queued: enqueue
WITH requested (id, key, fingerprint, payload, account, account_hash) AS (
    VALUES (%(id)s::uuid, %(key)s::uuid, %(fingerprint)s::uuid, %(payload)s::text, %(account)s::text,
        %(account_hash)s::int)
), {{inserted}}
SELECT {{claimable_now}}
FROM inserted HAVING count(*) > 0
