import os

import bodies
from procrastinate.contrib.django import app

ALL = {name: app.task(name=name)(body) for name, body in bodies.ALL.items()}
ALL["charge"] = ALL["hold"]

if "PEERS_RETRY_STALLED" in os.environ:
    # https://procrastinate.readthedocs.io/en/stable/howto/production/retry_stalled_jobs.html
    @app.periodic(cron="* * * * * */10")
    @app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
    async def retry_stalled_jobs(context, timestamp):
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.retry_job(job)
