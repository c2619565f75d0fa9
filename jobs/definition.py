"""What a task's class says of itself, checked when it is defined: nobody should learn of it from a failed call."""

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from jobs.options import PRIORITIES

if TYPE_CHECKING:
    from jobs.task import IdempotentTask

MOST_CALLS = 10_000  # to a vendor in one attempt; who makes more takes further slots as it goes


def check(cls: "type[IdempotentTask]") -> None:
    """Raises ImproperlyConfigured, with the remedy."""
    if not hasattr(cls, "dedupe_key"):
        raise ImproperlyConfigured(
            f"{cls.name}: dedupe_key is missing. Name the parameters that make two requests the same work, "
            "or say dedupe_key = None for work that is never the same."
        )
    if isinstance(cls.dedupe_key, str):
        raise ImproperlyConfigured(f'{cls.name}: dedupe_key must be a tuple: ("{cls.dedupe_key}",).')
    parameters = cls.signature_of_run().parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in (*(cls.dedupe_key or ()), *cls.sensitive, *filter(None, [cls.account])):
        if name not in parameters and not open_ended:
            raise ImproperlyConfigured(f"{cls.name}: {name!r} is not a parameter of run{cls.signature_of_run()}.")
    _check_number(cls, "calls_per_attempt", range(1, MOST_CALLS + 1), default=None)
    _check_number(cls, "priority", PRIORITIES)


def _check_number(cls: "type[IdempotentTask]", name: str, allowed: range, default: int | None = 0) -> None:
    """Else the table would refuse it, in the caller's transaction."""
    value = getattr(cls, name)
    if value != default and (type(value) is not int or value not in allowed):
        span = f"from {allowed[0]} to {allowed[-1]}"
        raise ImproperlyConfigured(f"{cls.name}: {name} is {value!r}; it must be a whole number {span}.")
