extract(epoch FROM next_call_at - statement_timestamp())::float8
