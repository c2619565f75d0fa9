"""An object's jobs on its own admin page: what is done for it, and why not, if not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpRequest, HttpResponse

from idempotency import keys
from idempotency.models import Record
from idempotency.states import State
from jobs import calls
from jobs.admin.job_page import Eyes
from jobs.admin.pages import VIEW, may
from jobs.task import IdempotentTask
from jobs.why import explain

if TYPE_CHECKING:
    from django.contrib import admin

    Base = admin.ModelAdmin[Any]
else:
    Base = object

Wanted = tuple[type[IdempotentTask] | IdempotentTask, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ObjectJob:
    """One job that an object may have. `record` None: it was never asked for, or it is gone."""

    task: str
    parts: Mapping[str, Any]
    record: Record | None
    why: str

    @property
    def title(self) -> str:
        return self.task.rpartition(".")[2]

    @property
    def named(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.parts.items())


class JobsMixin(Base):
    """Put it before ModelAdmin, and say in `jobs_of` which jobs an object has.

    Whoever may see records (`idempotency.view_record`) finds them below the object's fields: their state, since when,
    why they are not running, and a link to each. An admin with a `change_form_template` of its own includes
    `jobs/_object_jobs.html` in it.
    """

    change_form_template = "jobs/change_form.html"

    def jobs_of(self, obj: Any) -> Iterable[Wanted]:
        """Pairs of a task and its key: the parameters that its `dedupe_key` names, as they were enqueued.

        Jobs are found by the digest of their keys, so that however many there are, none is looked through.
        """
        raise NotImplementedError(f"{type(self).__name__} shows jobs: say which in jobs_of(self, obj).")

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,  # noqa: FBT001, FBT002 - Django's own
        change: bool = False,  # noqa: FBT001, FBT002
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None and may(request, VIEW):
            context["jobs_of_object"] = list(find(self.jobs_of(obj)))
        return super().render_change_form(request, context, add, change, form_url, obj)


def find(wanted: Iterable[Wanted]) -> Iterator[ObjectJob]:
    """Each job that is wanted, in this order."""
    asked = [(task, parts, key_of(task, parts)) for task, parts in wanted]
    records = {record.key: record for record in Record.objects.filter(key__in=[key for *_, key in asked])}
    for task, parts, key in asked:
        record = records.get(key)
        yield ObjectJob(task.name, task.masked(parts), record, _why(record) if record else "")


def key_of(task: type[IdempotentTask] | IdempotentTask, parts: Mapping[str, Any]) -> UUID:
    """Digest of a job's key.

    Raises:
        ImproperlyConfigured: the task's jobs have no keys, or this is not what names one of them.
    """
    if task.dedupe_key is None:
        raise ImproperlyConfigured(f"{task.name} has dedupe_key = None: nobody can tell whose job it is by a key.")
    if unknown := set(parts) - set(task.dedupe_key):
        raise ImproperlyConfigured(f"{task.name}: {min(unknown)} is no part of its key {task.dedupe_key}.")
    return keys.dedupe_key(task.name, calls.key_parts(task.name, task.dedupe_key, task.signature_of_run(), parts))


def _why(record: Record) -> str:
    if record.state == State.SUCCEEDED:
        return ""
    explained = explain(connection, record.id)
    return Eyes(record).text(explained[1]) if explained else ""
