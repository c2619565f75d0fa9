"""Scopes of Sentry that cost nothing until somebody touches them: a body, an integration or an event reads or writes.

Within a job the touched one becomes a fork of the scope around, for that job. Between two jobs each stands for another
fork, which no job ever sees. Sentry's looking for its client in them is no touch.
"""

import logging
from contextlib import AbstractContextManager
from copy import copy
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sentry_sdk.client import BaseClient
from sentry_sdk.scope import Scope, ScopeType, use_scope

from jobs import log_events, observers
from jobs.observers import PASSED_OVER

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

ISOLATION, CURRENT = 0, 1


class Forks(Protocol):
    """Whose scopes they are."""

    touched: bool  # set within a job

    def fork(self, place: int, task: "IdempotentTask", job: "Job") -> Scope:
        """Of the scope around, for the job at work."""

    def between(self, place: int) -> Scope:
        """For what is told while no job is at work."""


_touching = RLock()  # a body may have threads


class _JobScope(Scope):
    __slots__ = ("forks",)
    forks: Forks


class _Untouched(_JobScope):
    """Has a client, and none of a scope's other attributes: whoever asks for one is led to a scope."""

    __slots__ = ()
    place: ClassVar[int]  # among the two

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scope(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._scope(), name, value)

    def __copy__(self) -> Scope:
        return copy(self._scope())

    def _scope(self) -> Scope:
        """Never raises: it may be a body that wants to tell something."""
        with _touching:
            if type(self) is not _JobScope:
                if (at_work := observers.at_work) is None:
                    return self.forks.between(self.place)
                self.forks.touched = True
                try:
                    _become(self, self.forks.fork(self.place, *at_work))
                except Exception:
                    _become(self, Scope())
                    logger.exception(PASSED_OVER, "a scope of Sentry", extra=log_events.OBSERVER_FAILED)
            return self


class _UntouchedIsolation(_Untouched):
    __slots__ = ()
    place = ISOLATION


class _UntouchedCurrent(_Untouched):
    __slots__ = ()
    place = CURRENT


def _become(scope: Scope, fork: Scope) -> None:
    """An object that others hold already takes over all that a fork of a scope consists of."""
    for name in Scope.__slots__:
        object.__setattr__(scope, name, getattr(fork, name))
    object.__setattr__(scope, "__class__", _JobScope)


def untouched(forks: Forks, isolation: Scope, current: Scope) -> tuple[Scope, Scope]:
    """Two new ones, with the clients of those around."""
    return _untouched(_UntouchedIsolation, forks, isolation), _untouched(_UntouchedCurrent, forks, current)


def _untouched(kind: type[_Untouched], forks: Forks, around: Scope) -> Scope:
    scope = object.__new__(kind)
    object.__setattr__(scope, "forks", forks)
    object.__setattr__(scope, "client", around.client)
    return scope


def enter(isolation: Scope, current: Scope) -> None:
    Scope.set_isolation_scope(isolation)
    Scope.set_current_scope(current)


class _Nobody(BaseClient):
    """A client that no integration has, and so each of them leaves alone what is done."""

    def is_active(self) -> bool:
        return True


def nobodys() -> AbstractContextManager[Scope]:
    """Within it no integration sees what is done."""
    return use_scope(_nobodys_scope())


@cache
def _nobodys_scope() -> Scope:
    """Nobody writes to it, and each new one looks up what kind of Python this is."""
    scope = Scope(ty=ScopeType.CURRENT)
    scope.set_client(_Nobody())
    return scope
