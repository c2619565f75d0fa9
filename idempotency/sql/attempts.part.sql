INSERT INTO idempotency_attempt (record_id, attempt, fencing_token, outcome, worker, started_at, finished_at,
                                 error_class, error_message, traceback)
