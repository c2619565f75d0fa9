// Keeps the part of a page that moves up to date, without taking the focus or a reader's place away. Where there is no
// JavaScript the page loads itself anew.
(() => {
  const refresh = async () => {
    const live = document.getElementById("live");
    const every = live && Number(live.dataset.every);
    if (!every) return;
    await new Promise((done) => setTimeout(done, every * 1000));
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const newer = page.getElementById("live");
        if (!answer.ok || !newer) return location.reload();
        const focused = live.contains(document.activeElement) && document.activeElement.id;
        live.replaceWith(newer);
        if (focused) (document.getElementById(focused) || document.querySelector("#content a")).focus();
      } catch {
        // The server is away: the next round asks again.
      }
    }
    refresh();
  };
  refresh();
})();
