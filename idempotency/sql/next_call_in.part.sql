extract(epoch FROM next_call_at - c.at)::float8
