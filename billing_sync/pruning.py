"""What an import leaves behind is for those who mend its file; after a quarter nobody does."""

from datetime import timedelta

from django.utils import timezone

from billing_sync.models import Import, ImportLine, ImportReject

KEPT = timedelta(days=92)  # a quarter and a few days, as the jobs' own records


def prune_imports() -> dict[str, int]:
    """Delete refused and left-over lines of imports that ended long ago. The imports stay: they know their files."""
    old = Import.objects.filter(state=Import.State.DONE, finished_at__lt=timezone.now() - KEPT)
    rejects, _ = ImportReject.objects.filter(source__in=old).delete()
    lines, _ = ImportLine.objects.filter(source__in=old).delete()
    return {"rejects": rejects, "lines": lines}
