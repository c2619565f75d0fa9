"""Bulk replays: look at what one would do, start it, watch it, hold it."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, re_path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from jobs import conf
from jobs.admin import tokens
from jobs.admin.deciding import REPLAY, TOO_OLD
from jobs.admin.forms import WhyForm
from jobs.admin.pages import VIEW, LookOnly, demand, may, name_of, show
from jobs.models import BulkItem, BulkReplay, Decision
from jobs.review import bulk, bulk_counts
from jobs.review.bulk import MOVES, BulkError, Move, Pace
from jobs.review.decisions import Answer
from jobs.review.scope import Scope, ScopeError

State = BulkReplay.State
PAGE = 50
REFRESH = 3  # seconds: a step of the relay is a quarter of one, and nobody reads faster
MOVE = rf"^(?P<number>[0-9]{{1,18}})/(?P<move>{'|'.join(MOVES)})/$"


class StartForm(WhyForm):
    """How it is to go; nothing else of it can be chosen by a form."""

    rate = forms.FloatField(
        label="Pace", min_value=0.01, max_value=bulk.FASTEST, help_text="Jobs a second, once the canary went well."
    )
    canary = forms.IntegerField(
        label="Canary", min_value=1, max_value=bulk.MOST_CANARIES,
        help_text="Jobs that go first, alone. The others wait until all of these have ended.",
    )  # fmt: skip
    stop_percent = forms.IntegerField(
        label="Stop above, per cent",
        min_value=0,
        max_value=100,
        help_text="Of the ended jobs so many may be given up again. With more it stops by itself.",
    )
    red = forms.BooleanField(label="Replay also what is likely wrong", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the replay would do stands above, and is to be read first.
        self.fields["why"].widget.attrs.pop("autofocus")

    def pace(self) -> Pace:
        told = self.cleaned_data
        return Pace(rate=told["rate"], canary=told["canary"], stop_share=told["stop_percent"] / 100)


@admin.register(BulkReplay)
class BulkReplayAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    fieldsets: ClassVar = ()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(self.preview), name="jobs_bulkreplay_preview"),
            path("<int:number>/start/", wrap(self.start), name="jobs_bulkreplay_start"),
            re_path(MOVE, wrap(self.move), name="jobs_bulkreplay_move"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """All that were started, the newest first."""
        del extra_context
        demand(request, VIEW)
        started = BulkReplay.objects.exclude(state=State.DRAFT).order_by("-id")
        page = Paginator(started, PAGE).get_page(request.GET.get("page"))
        context = {"bulks": _with_progress(list(page)), "page": page}
        return show(request, self.admin_site, "jobs/bulk_list.html", title="Bulk replays", **context)

    @method_decorator(require_POST)
    def preview(self, request: HttpRequest) -> HttpResponse:
        """Keep what the filter chooses now, and show it. It travels neither in a form nor in a URL."""
        demand(request, VIEW, REPLAY)
        try:
            draft = bulk.draft(Scope.parse(request.POST.dict()), by=name_of(request))
        except (ScopeError, BulkError) as error:
            messages.warning(request, str(error))
            return redirect(reverse("admin:jobs_deadletter_changelist"))
        return redirect(_address(draft))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Its preview until it is started, then how far it has come."""
        del form_url, extra_context
        demand(request, VIEW)
        found = _bulk(object_id)
        if found.state == State.DRAFT:
            return self._preview(request, found)
        return show(
            request, self.admin_site, "jobs/bulk.html", title=str(found).capitalize(), **_context(request, found)
        )

    def _preview(self, request: HttpRequest, found: BulkReplay, form: StartForm | None = None) -> HttpResponse:
        demand(request, REPLAY)
        if found.by != name_of(request):
            raise PermissionDenied("Somebody else chose these jobs and is looking at them.")
        groups = bulk.groups(bulk.unchanged(found))
        told = bulk.tally(groups)
        canary = min(max(found.canary, sum(g.causes for g in groups)), 20)  # one of each cause, while that is a few
        initial = {"rate": f"{found.rate:g}", "canary": canary, "stop_percent": round(100 * found.stop_share)}
        context = {
            "bulk": found,
            "scope": Scope.parse(found.scope),
            "groups": groups,
            "tally": told,
            "changed": found.total - sum(told.values()),
            "cut": found.total == bulk.MOST,
            "form": form or StartForm(initial=initial),
            "token": tokens.sign(request, _decision(found), []),
            "needs_approval": conf.needs_second("bulk"),
        }
        return show(request, self.admin_site, "jobs/bulk_preview.html", title=f"{str(found).capitalize()}?", **context)

    @method_decorator(require_POST)
    def start(self, request: HttpRequest, number: int) -> HttpResponse:
        """Begin what the preview showed."""
        demand(request, VIEW, REPLAY)
        found = _bulk(number)
        if not _shown(request, found):
            return redirect(_address(found))
        form = StartForm(request.POST)
        if found.state == State.DRAFT and not form.is_valid():
            return self._preview(request, found, form)
        if not form.is_valid():
            return redirect(_address(found))
        told = form.cleaned_data
        answer = bulk.start(found, form.pace(), by=name_of(request), why=told["why"], red=told["red"])
        return _told(request, found, answer)

    def move(self, request: HttpRequest, number: str, move: str) -> HttpResponse:
        """Pause, resume, cancel or approve it: GET says what will happen, POST does it once."""
        demand(request, VIEW, REPLAY)
        found, chosen = _bulk(number), MOVES[move]
        if found.state == State.DRAFT:
            raise Http404("It was not started.")
        form, problem = WhyForm(request.POST or None), ""
        if request.method == "POST" and _shown(request, found, move) and form.is_valid():
            try:
                return _told(request, found, _decide(request, found, chosen, form.cleaned_data["why"]))
            except BulkError as error:
                problem = str(error)
        token = tokens.sign(request, _decision(found, move), [])
        context = {"bulk": found, "move": chosen, "form": form, "token": token, "problem": problem}
        return show(request, self.admin_site, "jobs/bulk_move.html", title=f"{chosen.name.capitalize()}?", **context)


def _decide(request: HttpRequest, found: BulkReplay, move: Move, why: str) -> Answer:
    return bulk.decide(found, move, by=name_of(request), why=why)


def _bulk(number: object) -> BulkReplay:
    try:
        return BulkReplay.objects.get(pk=int(str(number)))
    except (ValueError, OverflowError, BulkReplay.DoesNotExist):
        raise Http404("There is no such bulk replay, or nobody started it and it was forgotten.") from None


def _address(found: BulkReplay) -> str:
    return reverse("admin:jobs_bulkreplay_change", args=[found.pk])


def _decision(found: BulkReplay, move: str = "start") -> str:
    return f"bulk {found.pk} {move}"


def _shown(request: HttpRequest, found: BulkReplay, move: str = "start") -> bool:
    """Whether this user was shown the page lately that his form says it is from; raises PermissionDenied if never."""
    try:
        tokens.read(request, _decision(found, move), request.POST.get("token", ""))
    except tokens.TokenTooOld:
        messages.warning(request, TOO_OLD)
        return False
    return True


def _told(request: HttpRequest, found: BulkReplay, answer: Answer) -> HttpResponse:
    say = messages.success if answer.done else messages.warning
    say(request, f"{'Done' if answer.done else 'Nothing was done'}: {answer.sentence}.")
    return redirect(_address(found))


def _context(request: HttpRequest, found: BulkReplay) -> dict[str, Any]:
    counts = bulk_counts.count(found)
    moves = bulk.moves(found) if may(request, REPLAY) else []
    own = found.by == name_of(request)
    return {
        "bulk": found,
        "scope": Scope.parse(found.scope),
        "counts": counts,
        "parts": _parts(counts),
        "moves": [move for move in moves if not (own and move.name == "approve")],
        "moving": found.state in (State.CANARY, State.RUNNING) or counts.under_way > 0,
        "refresh": REFRESH,
        "left": bulk_counts.left_alone(found),
        "jobs": bulk_counts.given_up_again(found)[:20],
        "seconds_left": counts.waiting / found.rate if found.state == State.RUNNING else None,
        "decisions": Decision.objects.filter(bulk=found, action=Decision.Action.BULK).order_by("-id")[:PAGE],
    }


def _parts(counts: bulk_counts.Counts) -> list[dict[str, Any]]:
    """The bar: what is behind, under way and ahead, as shares of the whole."""
    parts, x = [], 0.0
    for name, number in (
        ("good", counts.succeeded), ("bad", counts.given_up), ("soft", counts.cancelled + counts.left),
        ("calm", counts.under_way),
    ):  # fmt: skip
        width = 100 * number / max(counts.total, 1)
        parts.append({"name": name, "x": round(x, 2), "width": round(width, 2)})
        x += width
    return parts


def _with_progress(bulks: list[BulkReplay]) -> list[dict[str, Any]]:
    """Of those that still move it is counted; of the others it is known, or of no interest."""
    moving = [b.pk for b in bulks if b.state in (State.CANARY, State.RUNNING, State.PAUSED)]
    answered = BulkItem.objects.filter(bulk__in=moving, answer__isnull=False).values("bulk").annotate(n=Count("number"))
    done = {row["bulk"]: row["n"] for row in answered}
    return [{"bulk": b, "scope": Scope.parse(b.scope), "done": done.get(b.pk)} for b in bulks]
