"""What a confirmation page carries: which jobs it showed, to whom, and for which decision; signed.

A token is worth nothing to another user, for another decision, or after an hour. So nothing is decided about a job
that no page has shown: not by a forged form, and not by one that somebody was made to send.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from idempotency.claims import Seen

SALT = "jobs.admin.decision"
LASTS = timedelta(hours=1)  # long enough for a phone call about it


class TokenTooOld(Exception):  # noqa: N818 - no error of the program
    """The page was shown too long ago; it has to be looked at again."""


def sign(request: HttpRequest, decision: str, seen: Sequence[Seen]) -> str:
    return signing.dumps([request.user.pk, decision, [str(s) for s in seen]], salt=SALT, compress=True)


def read(request: HttpRequest, decision: str, token: str) -> list[Seen]:
    """The jobs that this user was shown for this decision.

    Raises:
        PermissionDenied: the token is forged, another user's, or another decision's.
        TokenTooOld: it is older than an hour.
    """
    try:
        whose, what, seen = signing.loads(token, salt=SALT, max_age=LASTS)
    except signing.SignatureExpired:
        raise TokenTooOld from None
    except signing.BadSignature:
        raise PermissionDenied("This form was not made by the page it says it is from.") from None
    if (whose, what) != (request.user.pk, decision):
        raise PermissionDenied("This form was shown to somebody else, or for another decision.")
    return [Seen.parse(text) for text in seen]
