extract(epoch FROM statement_timestamp() - retry_tokens_at)::float8
