r.id = ANY(%(ids)s::uuid[]) AND r.state = 'processing' AND r.lease_id = %(lease_id)s
    AND r.fencing_token = (%(tokens)s::bigint[])[array_position(%(ids)s::uuid[], r.id)]
