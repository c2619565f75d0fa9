r.id = o.id AND (r.state = 'processing') IS TRUE AND r.fencing_token = o.token AND r.lease_id = %(lease_id)s
