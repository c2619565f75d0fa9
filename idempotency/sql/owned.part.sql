-- IS TRUE: a planner that thinks few are leased would else find them by the leases' index, past all that ever were.
r.id = ANY(%(ids)s::uuid[]) AND (r.state = 'processing') IS TRUE AND r.lease_id = %(lease_id)s
    AND r.fencing_token = (%(tokens)s::bigint[])[array_position(%(ids)s::uuid[], r.id)]
