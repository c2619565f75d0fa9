// Renews the overview in place, and lets its countdowns tick. Without this file the page reloads itself.
(() => {
  const page = document.getElementById("overview");
  let ahead = Date.parse(page.dataset.now) - Date.now(); // of this machine's clock

  const span = (seconds) =>
    seconds < 120 ? `${Math.max(0, Math.round(seconds))} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;

  const tick = () => {
    for (const shown of page.querySelectorAll("[data-until]")) {
      shown.textContent = span((Date.parse(shown.dataset.until) - Date.now() - ahead) / 1000);
    }
  };

  // Only what has changed is replaced: nobody loses his place, and a screen reader has nothing to say.
  const swap = (fresh) => {
    const focused = document.activeElement.getAttribute("href");
    const open = [...page.querySelectorAll("details[open]")].map((details) => details.id);
    const parts = (of) => [...of.querySelectorAll("[data-part]")];
    if (parts(page).map((part) => part.dataset.part).join() === parts(fresh).map((part) => part.dataset.part).join()) {
      parts(fresh).forEach((part, n) => {
        const old = parts(page)[n];
        if (old.innerHTML !== part.innerHTML) old.innerHTML = part.innerHTML;
      });
    } else {
      page.innerHTML = fresh.innerHTML;
    }
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused && !page.contains(document.activeElement)) {
      page.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    ahead = Date.parse(fresh.dataset.now) - Date.now();
    tick();
  };

  const renew = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("overview");
      fresh ? swap(fresh) : location.reload(); // logged out
    } catch {
      page.dataset.stale = "true"; // the network is away: the next time, perhaps
      return;
    }
    delete page.dataset.stale;
  };

  setInterval(tick, 1000);
  setInterval(renew, page.dataset.every * 1000);
  document.addEventListener("visibilitychange", renew);
  tick();
})();
