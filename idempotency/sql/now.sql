-- read: the time, which is the database's
SELECT statement_timestamp()
