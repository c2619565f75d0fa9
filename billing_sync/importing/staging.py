"""A file's lines go into the staging table, in one transaction with the job that will work them off."""

from collections.abc import Callable, Iterator

from django.db import connection, transaction

from billing_sync.importing.lines import StagedLine, judge
from billing_sync.importing.records import records
from billing_sync.importing.source import Source, UnusableFileError
from billing_sync.models import Import, ImportLine
from billing_sync.tasks import ImportInvoices

STAGED, IMPORTS = ImportLine._meta.db_table, Import._meta.db_table  # noqa: SLF001 - public in all but name

# How often the caller hears of progress: about every tenth of a second.
LINES_PER_REPORT = 5_000


def stage(source: Source, progress: Callable[[int], None] = lambda _position: None) -> tuple[Import, bool]:
    """The import of this file, and whether it is new. A file staged before, under any name, adds nothing.

    Raises UnusableFileError, and leaves nothing behind, when the file cannot be read to its end.
    """
    with transaction.atomic():
        new = Import(pk=_next_id(), file_name=source.path.name[-255:])
        new.lines = _copy(new.pk, source, progress)
        new.sha256 = source.sha256
        # Digest and lines are known only now; whoever else stages the same file makes this statement wait.
        Import.objects.bulk_create([new], ignore_conflicts=True)
        held = Import.objects.get(sha256=new.sha256)
        if held.pk != new.pk:
            transaction.set_rollback(True)
            return held, False
        held.job_id = ImportInvoices.enqueue(import_id=new.pk, chunk=1).id
        held.save(update_fields=["job_id"])
        return held, True


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [IMPORTS])
        return int(cursor.fetchone()[0])


def _copy(import_id: int, source: Source, progress: Callable[[int], None]) -> int:
    columns = ", ".join(f'"{name}"' for name in ("source_id", *StagedLine._fields))
    lines = 0
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {STAGED} ({columns}) FROM STDIN") as copy:
            for lines, staged in enumerate(_staged(source), start=1):
                copy.write_row((import_id, *staged))
                if lines % LINES_PER_REPORT == 0:
                    progress(source.position)
        # Without fresh statistics the chunks' plans would be made for an empty table.
        cursor.execute(f"ANALYZE {STAGED}")
    if not lines:
        raise UnusableFileError(
            f"{source.path}: the file has a header and no lines. Nothing was imported; export it again."
        )
    progress(source.position)
    return lines


def _staged(source: Source) -> Iterator[StagedLine]:
    return map(judge, records(source))
