-- tally: so many records were accepted
INSERT INTO idempotency_tally (task, accepted, pruned) VALUES (%(task)s, %(accepted)s, 0)
