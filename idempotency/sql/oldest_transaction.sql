-- read: for how long the oldest transaction of anybody in this database has been open; seconds
SELECT coalesce(max(extract(epoch FROM statement_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
