"""What all of our pages in Django admin share."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse

VIEW = "idempotency.view_record"


class LookOnly:
    """A mixin for pages that show what only guarded statements may change."""

    def has_add_permission(self, *_: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, *_: Any) -> bool:
        return may(request, VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, VIEW)


def may(request: HttpRequest, permission: str) -> bool:
    return bool(request.user.has_perm(permission))


def demand(request: HttpRequest, *permissions: str) -> None:
    """Answer 403 to who lacks one of them, whatever the page offered him."""
    for permission in permissions:
        if not may(request, permission):
            raise PermissionDenied(f"This needs the permission {permission}.")


def name_of(request: HttpRequest) -> str:
    """Who decides, as the audit trail keeps it: it must still be read when the user is gone."""
    return str(request.user.get_username())


def show(request: HttpRequest, site: AdminSite, template: str, *, title: str, **context: Any) -> TemplateResponse:
    """A page in the admin's frame; templates extend `jobs/page.html`."""
    return TemplateResponse(request, template, {**site.each_context(request), "title": title, **context})
