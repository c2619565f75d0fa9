r.id = o.id AND r.state = 'processing' AND r.fencing_token = o.token AND r.lease_id = %(lease_id)s
