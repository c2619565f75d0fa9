"""Filters and pages of long lists that ask nothing of the whole table."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from jobs import conf
from jobs.task import registered

COUNTED = 10_000  # rows of a list: nobody turns its pages further than that


class _Known(admin.SimpleListFilter):
    """Django's own filter reads all rows for the values that there are; these are known without it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [(name, name) for name in self.names()]

    def names(self) -> Iterable[str]:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class QueueFilter(_Known):
    title = parameter_name = "queue"

    def names(self) -> Iterable[str]:
        return conf.queues()


class TaskFilter(_Known):
    title = parameter_name = "task"

    def names(self) -> Iterable[str]:
        return sorted(registered())


class FewPages(Paginator):  # type: ignore[type-arg]
    """Counts so far and no further."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())
