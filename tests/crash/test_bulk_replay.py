"""A bulk replay whose relays are killed: what was sent is sent once, and the next relay goes on."""

import os
import pty
import subprocess
import sys
import threading

import psycopg
from django.db import connection

from idempotency.models import Record
from jobs.models import BulkItem, BulkReplay, Decision
from tests.app.models import Effect
from tests.bulk import many_given_up
from tests.processes import ROOT, wait_until
from tests.records import assert_balanced

JOBS = 300
COMMAND = ("jobs", "replay", "--all", "--reason", "the vendor is back", "--rate", "100", "--canary", "5")
BLOCKED = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%SET answer%'"""


class Terminal:
    """A program on a terminal, and what it shows there."""

    def __init__(self, *command: str, environment: dict[str, str]) -> None:
        self._reads, terminal = pty.openpty()
        self._shown = bytearray()
        self.program = subprocess.Popen(
            [sys.executable, "manage.py", *command], env=environment, cwd=ROOT, stderr=terminal, stdout=subprocess.PIPE
        )
        os.close(terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while read := os.read(self._reads, 4096):
                self._shown += read
        except OSError:  # how a terminal ends
            os.close(self._reads)

    def end(self) -> tuple[int, str, str]:
        """Its exit code, what it printed, and what it drew."""
        printed, _ = self.program.communicate()
        self._reader.join()
        return self.program.returncode, printed.decode(), self._shown.decode()


def answered() -> int:
    return BulkItem.objects.filter(answer__isnull=False).count()


def blocked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED)
        return cursor.fetchone()[0] > 0


def test_killed_relays_lose_nothing_and_double_nothing(programs, database, environment):
    many_given_up(JOBS, causes=3)
    programs.worker("default", concurrency=2)
    terminal = Terminal(*COMMAND, environment=environment)
    wait_until(BulkReplay.objects.filter(state="canary").exists)
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM jobs_bulkitem WHERE number = 1 FOR UPDATE")
        relay = programs.relay()
        wait_until(blocked, message="the relay has replayed its first slice, and not kept what became of it")
        relay.kill()
        assert not Record.objects.filter(replay_count=1).exists(), "a slice is there with its answers or not at all"
        relays = [programs.relay(), programs.relay()]
    wait_until(lambda: BulkReplay.objects.get().state == "running", 30)
    for share in (0.2, 0.6):
        wait_until(lambda share=share: answered() >= share * JOBS, 30)
        relays.pop(0).kill()
        relays.append(programs.relay())
    code, printed, drawn = terminal.end()
    assert (code, BulkReplay.objects.get().state) == (0, "finished")
    assert f"finished: {JOBS} of {JOBS} had their turn" in printed
    assert set(BulkItem.objects.values_list("answer", flat=True)) == {"replayed"}
    assert f"[{'.' * 30}] 0 of {JOBS} had their turn" in drawn
    assert f"[{'#' * 30}] {JOBS} of {JOBS} had their turn" in drawn
    wait_until(lambda: Record.objects.filter(state="succeeded").count() == JOBS, 30)
    assert Effect.objects.count() == Effect.objects.values("name").distinct().count() == JOBS
    assert Decision.objects.filter(action="replay").values("record_id").distinct().count() == JOBS
    assert Decision.objects.filter(action="replay").count() == JOBS
    assert set(Record.objects.values_list("replay_count", flat=True)) == {1}
    assert_balanced(connection)
