"""From a call to a payload: the caller's arguments, bound to `run`'s signature and checked."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from idempotency import keys, payload
from idempotency.claims import Request
from idempotency.errors import KeyPartError, PayloadError
from idempotency.ids import new_id
from jobs import conf

UNCHANGED = frozenset({str, int, float, bool, type(None)})  # what JSON gives back as it was
LONGEST_ACCOUNT = 200  # characters
POSITIONAL_ONLY, VAR_POSITIONAL = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL


def signature_of(run: Callable[..., Any], name: str, *, bound: bool) -> inspect.Signature:
    """The parameters that a caller may give, without `self`.

    Raises:
        ImproperlyConfigured: `run` cannot be a job's body, with the reason.
    """
    if inspect.iscoroutinefunction(run) or inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
        raise ImproperlyConfigured(f"{name}: run must be a plain function, not async and not a generator.")
    parameters = list(inspect.signature(run).parameters.values())[1 if bound else 0 :]
    for p in parameters:
        if p.kind in (POSITIONAL_ONLY, VAR_POSITIONAL):
            raise ImproperlyConfigured(f"{name}: a payload is kept by name; make {p.name!r} a named parameter.")
    return inspect.Signature(parameters)


@dataclass(frozen=True, slots=True)
class Names:
    """The parameter names a payload must and may have; `known` None: any."""

    required: frozenset[str]
    known: frozenset[str] | None

    def accept(self, payload: Mapping[str, Any]) -> bool:
        return self.required <= payload.keys() and (self.known is None or payload.keys() <= self.known)


def names_of(signature: inspect.Signature) -> Names:
    parameters = signature.parameters.values()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return Names(
        frozenset(p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD),
        None if open_ended else frozenset(p.name for p in parameters),
    )


def bind(
    signature: inspect.Signature,
    task: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    names: Names | None = None,
) -> dict[str, Any]:
    """The call's arguments by parameter name, without defaults.

    `names` are the signature's own: where all is named and known there is nothing to bind, which is slow.
    """
    if names and not args and names.accept(kwargs):
        return dict(kwargs)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise PayloadError(f"{task}: {error}. It takes {signature}.") from None
    arguments = dict(bound.arguments)
    for p in signature.parameters.values():
        if p.kind is inspect.Parameter.VAR_KEYWORD:
            arguments |= arguments.pop(p.name, {})
    return arguments


def key_parts(
    task: str, names: tuple[str, ...], signature: inspect.Signature, arguments: Mapping[str, Any]
) -> list[tuple[str, object]]:
    """The key's (parameter, value) pairs; a parameter left out counts with its default."""
    parts = []
    for name in names:
        value = arguments.get(name, signature.parameters[name].default if name in signature.parameters else None)
        if value is inspect.Parameter.empty:
            raise KeyPartError(f"{task}: key part {name!r} is missing.")
        parts.append((name, value))
    return parts


def request(
    task: str,
    dedupe_key: tuple[str, ...] | None,
    signature: inspect.Signature,
    arguments: Mapping[str, Any],
    *,
    account: str | None = None,
    secret: bool = False,
) -> Request:
    """One record to write; `account` is the parameter that says whose work it is, `secret` that nobody may read it.

    The fingerprint leaves out arguments that equal their default: a parameter that a later release adds must not turn
    yesterday's request into another one.
    """
    text = payload.dumps(dict(arguments), limit=conf.max_payload())
    stored = arguments if all(type(value) in UNCHANGED for value in arguments.values()) else json.loads(text)
    key = None
    if dedupe_key is not None:
        key = keys.dedupe_key(task, key_parts(task, dedupe_key, signature, stored))
    defaults = {p.name: p.default for p in signature.parameters.values()}
    said = {n: v for n, v in stored.items() if n not in defaults or defaults[n] != v or n in (dedupe_key or ())}
    whose = "" if account is None else stored.get(account, defaults.get(account))
    return Request(new_id(), key, payload.fingerprint(said), text, _account(whose, secret=secret))


def _account(value: Any, *, secret: bool) -> str:
    """Of a long value its beginning and a digest, of a secret one the digest: it names, and need not be read."""
    text = "" if value is None or value is inspect.Parameter.empty else str(value)
    if text and secret:
        return str(keys.digest(text.encode()))
    return text if len(text) <= LONGEST_ACCOUNT else f"{text[:LONGEST_ACCOUNT]}…{keys.digest(text.encode())}"
