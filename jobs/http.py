"""A full queue as an answer to an HTTP request: 429 with Retry-After, and the numbers as JSON.

Django: decorate the view with `refuse_when_full`. Django REST framework: name "jobs.http.exception_handler" in
`REST_FRAMEWORK["EXCEPTION_HANDLER"]`, or wrap your own handler in `with_queue_full`.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from jobs.errors import QueueFull

View = Callable[..., Any]
Handler = Callable[[Exception, dict[str, Any]], Any]


def refuse_when_full(view: View) -> View:
    """Decorate a view, async or not: QueueFull becomes 429, and what the view wrote under ATOMIC_REQUESTS goes back."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def answering_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                response: HttpResponseBase = await view(request, *args, **kwargs)
            except QueueFull as full:
                await sync_to_async(_roll_back)()
                return too_many(full)
            return response

        return answering_async

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response: HttpResponseBase = view(request, *args, **kwargs)
        except QueueFull as full:
            _roll_back()
            return too_many(full)
        return response

    return answering


def too_many(full: QueueFull) -> JsonResponse:
    """The answer: `{"detail": …, "queue": …, "bound": …, "backlog": …, "asked": …, "retry_after": …}`."""
    return JsonResponse(_body(full), status=HTTPStatus.TOO_MANY_REQUESTS, headers=_headers(full))


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """Django REST framework's own handler, and 429 for QueueFull. Name it in `REST_FRAMEWORK["EXCEPTION_HANDLER"]`."""
    from rest_framework.views import exception_handler as default

    return with_queue_full(default)(error, context)


def with_queue_full(handler: Handler) -> Handler:
    """Your own exception handler for Django REST framework, which then leaves QueueFull to us."""

    @wraps(handler)
    def handling(error: Exception, context: dict[str, Any]) -> Any:
        if not isinstance(error, QueueFull):
            return handler(error, context)
        from rest_framework.response import Response

        _roll_back()
        return Response(_body(error), status=HTTPStatus.TOO_MANY_REQUESTS, headers=_headers(error))

    return handling


def _body(full: QueueFull) -> dict[str, Any]:
    return {"detail": f"Queue {full.queue} is full. Try again later."} | full.numbers


def _headers(full: QueueFull) -> dict[str, str]:
    """No Retry-After where waiting does not help: so many jobs at once never fit."""
    return {} if full.retry_after is None else {"Retry-After": str(full.retry_after)}


def _roll_back() -> None:
    """The client is told that nothing was done. Without an exception, Django would commit the request's transaction."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
