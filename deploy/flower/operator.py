"""Flower with its buttons, for the few who may end jobs: a second process with users of its own.

`celery -A project flower --conf=deploy/flower/operator.py`, with another FLOWER_BASIC_AUTH than the viewers'.
"""

from jobs import flower

flower.prepare()

address = "127.0.0.1"
port = 5556
read_only = False
tasks_columns = flower.COLUMNS
max_tasks = 10_000
enable_events = True
