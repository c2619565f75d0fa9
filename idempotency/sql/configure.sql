-- queue: what JOBS_VENDORS says of its vendor
INSERT INTO idempotency_queue AS q (name, vendor, calls_per_second, burst, account_calls_per_second, account_burst,
    account_serial, retry_share, retry_floor)
VALUES (%(queue)s, %(vendor)s, %(calls_per_second)s, %(burst)s, %(account_calls_per_second)s, %(account_burst)s,
    %(account_serial)s, %(retry_share)s, %(retry_floor)s)
ON CONFLICT (name) DO UPDATE
SET vendor = excluded.vendor, calls_per_second = excluded.calls_per_second, burst = excluded.burst,
    account_calls_per_second = excluded.account_calls_per_second, account_burst = excluded.account_burst,
    account_serial = excluded.account_serial, retry_share = excluded.retry_share,
    retry_floor = excluded.retry_floor
WHERE (q.vendor, q.calls_per_second, q.burst, q.account_calls_per_second, q.account_burst, q.account_serial, q.retry_share, q.retry_floor)
    IS DISTINCT FROM (excluded.vendor, excluded.calls_per_second, excluded.burst, excluded.account_calls_per_second,
        excluded.account_burst, excluded.account_serial, excluded.retry_share, excluded.retry_floor)
