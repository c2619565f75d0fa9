"""From a call to a payload: the caller's arguments, bound to `run`'s signature and checked."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from idempotency import keys, payload
from idempotency.claims import Request
from idempotency.errors import KeyPartError, PayloadError
from idempotency.ids import new_hex

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
    """The parameter names a payload must and may have; `known` None: any. `order`: those that may go without a name."""

    required: frozenset[str]
    known: frozenset[str] | None
    order: tuple[str, ...]

    def accept(self, payload: Mapping[str, Any]) -> bool:
        given = payload.keys()
        if given == self.required:  # most do, and it is one comparison instead of two
            return True
        return self.required <= given and (self.known is None or given <= self.known)

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """The arguments of a call by their names; None where they do not fit."""
        found = kwargs if type(kwargs) is dict else dict(kwargs)
        if args:
            placed = dict(zip(self.order, args, strict=False))
            if len(placed) < len(args) or not placed.keys().isdisjoint(found):
                return None
            found = placed | found
        return found if self.accept(found) else None


def names_of(signature: inspect.Signature) -> Names:
    parameters = signature.parameters.values()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return Names(
        frozenset(p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD),
        None if open_ended else frozenset(p.name for p in parameters),
        tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD),
    )


def bind(
    signature: inspect.Signature,
    task: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    names: Names | None = None,
) -> dict[str, Any]:
    """The call's arguments by parameter name, without defaults.

    `names` are the signature's own: where the arguments fit there is nothing to bind, which is slow.
    """
    if names and (named := names.named(args, kwargs)) is not None:
        return named
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


@dataclass(frozen=True, slots=True)
class Form:
    """What of a task makes a request of its arguments.

    Args:
        account: the parameter that says whose work it is.
        secret: nobody may read it.
        defaults: of the parameters that are not part of the key.
    """

    task: str
    dedupe_key: tuple[str, ...] | None
    signature: inspect.Signature
    account: str | None
    secret: bool
    defaults: Mapping[str, Any]

    def request(self, arguments: dict[str, Any], *, limit: int) -> Request:
        """One record to write, its payload of at most `limit` bytes.

        Raises what `payload.document` and `keys.dedupe_key` raise.
        """
        text, stored = payload.document(arguments, limit=limit)
        key = None
        if self.dedupe_key is not None:
            key = keys.dedupe_digits(self.task, key_parts(self.task, self.dedupe_key, self.signature, stored))
        fingerprint = self._fingerprint(stored, text)
        account = "" if self.account is None else self._whose(stored)
        return Request(new_hex(), key, fingerprint, text, account)

    def _fingerprint(self, stored: Mapping[str, Any], text: str) -> str:
        """Of what was said beyond the defaults.

        A parameter that a later release adds must not turn yesterday's request into another one.
        """
        if not self.defaults:
            return payload.fingerprint_digits(stored, text)
        said = {n: v for n, v in stored.items() if n not in self.defaults or self.defaults[n] != v}
        return payload.fingerprint_digits(said, text if len(said) == len(stored) else None)

    def _whose(self, stored: Mapping[str, Any]) -> str:
        parameter = self.signature.parameters.get(str(self.account))
        whose = stored.get(str(self.account), parameter.default if parameter else None)
        return _account(whose, secret=self.secret)


def form_of(
    task: str,
    dedupe_key: tuple[str, ...] | None,
    signature: inspect.Signature,
    *,
    account: str | None = None,
    secret: bool = False,
) -> Form:
    defaults = {
        p.name: p.default
        for p in signature.parameters.values()
        if p.default is not p.empty and p.name not in (dedupe_key or ())
    }
    return Form(task, dedupe_key, signature, account, secret, defaults)


def _account(value: Any, *, secret: bool) -> str:
    """Of a long value its beginning and a digest, of a secret one the digest: it names, and need not be read."""
    text = "" if value is None or value is inspect.Parameter.empty else str(value)
    if text and secret:
        return str(keys.digest(text.encode()))
    return text if len(text) <= LONGEST_ACCOUNT else f"{text[:LONGEST_ACCOUNT]}…{keys.digest(text.encode())}"
