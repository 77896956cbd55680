// The order form works without this file. Here it gets a warm server, a key for each content, and one submit at a time.
"use strict";
(() => {
  const form = document.querySelector("form[data-order]");
  if (!form) return;
  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  const WARM_FOR = 240_000;
  const STUCK_AFTER = 10_000;
  let warmed = -WARM_FOR, sent = "", locked = false, timer = 0;

  const warm = () => {
    if (performance.now() - warmed < WARM_FOR || navigator.connection?.saveData) return;
    warmed = performance.now();
    fetch(form.dataset.warm, {
      mode: "no-cors", credentials: "omit", cache: "no-store", keepalive: true, priority: "low",
      referrerPolicy: "no-referrer",
    }).catch(() => {});
  };

  const lock = (on) => {
    locked = on;
    clearTimeout(timer);
    button.textContent = on ? button.dataset.busy : label;
    if (on) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
    if (on) timer = setTimeout(lock, STUCK_AFTER, false);
  };

  // The same content keeps its key, so that a second try is the same order; other content is another order.
  const key = () => {
    const field = form.elements.idempotency_key;
    const content = new URLSearchParams(new FormData(form));
    content.delete(field.name);
    if (content.toString() === sent) return;
    sent = content.toString();
    field.value = globalThis.crypto?.randomUUID?.() ?? "";
  };

  const source = new URLSearchParams(location.search).get("ref");
  if (source) form.elements.source.value = source.slice(0, 100);
  form.addEventListener("focusin", warm);
  form.addEventListener("submit", (event) => {
    if (locked) return event.preventDefault();
    key();
    lock(true);
  });
  addEventListener("pageshow", (event) => event.persisted && lock(false));
  (globalThis.requestIdleCallback ?? setTimeout)(warm);
})();
