((gate.account_serial AND EXISTS (SELECT FROM idempotency_record AS h WHERE h.id = a.held_by
        -- By its token: the claim that holds the account may be too new for this statement to see.
        AND (h.fencing_token < a.held_token OR (h.fencing_token = a.held_token AND h.state = 'processing'))))
    OR (gate.account_calls_per_second IS NOT NULL AND a.next_call_at > statement_timestamp()
        + (gate.account_burst - 1) / gate.account_calls_per_second * interval '1 second'))
