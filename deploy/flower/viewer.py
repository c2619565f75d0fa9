"""Flower for everybody who may look: `celery -A project flower --conf=deploy/flower/viewer.py`.

Users are in the environment, where a process list does not show them: FLOWER_BASIC_AUTH=user:password,other:password
(or FLOWER_AUTH, FLOWER_AUTH_PROVIDER and FLOWER_OAUTH2_… for single sign-on). Put TLS in front of it.
"""

from jobs import flower

flower.prepare()

address = "127.0.0.1"  # what stands in front of it, with TLS, is reached from outside
port = 5555
read_only = True  # nobody ends a job, sends one, or stops a worker from here
tasks_columns = flower.COLUMNS
max_tasks = 10_000  # of the newest jobs; the records keep them all
enable_events = True
