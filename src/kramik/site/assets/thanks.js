// Follows the status of one order. The key leaves the address bar at once and stays in this tab alone.
"use strict";
(() => {
  const page = document.querySelector("[data-thanks]");
  const MEMORY = "kramik.order", FIRST = 2_000, SLOWEST = 10_000, PATIENCE = 120_000;
  const FINAL = new Set(["completed", "withdrawn", "refunded"]);
  const find = (selector) => page.querySelector(selector);
  const again = find("[data-again]");
  let began = 0, pause = FIRST;

  const remembered = () => {
    const query = new URLSearchParams(location.search);
    const asked = { order: query.get("order"), key: query.get("key") };
    try {
      if (!asked.order || !asked.key) return JSON.parse(sessionStorage.getItem(MEMORY));
      sessionStorage.setItem(MEMORY, JSON.stringify(asked));
      history.replaceState(null, "", location.pathname);
    } catch {
      // Storage is off: the address keeps the key, so that a reload still works.
    }
    return asked.order && asked.key ? asked : null;
  };

  const show = (state) => {
    for (const each of page.querySelectorAll("[data-state]")) each.hidden = each.dataset.state !== state;
    again.hidden = state !== "late";
  };

  const offer = (name, address) => {
    const link = find(`[data-link=${name}]`);
    link.hidden = !address;
    if (address) link.href = address;
  };

  const tell = (answer) => {
    const access = String(answer.access ?? "");
    for (const each of page.querySelectorAll("[data-say]")) each.textContent = answer[each.dataset.say] ?? "";
    find("[data-details]").hidden = false;
    offer("access", /^https?:\/\//.test(access) ? access : "");
    const course = encodeURIComponent(answer.product ?? "");
    const pay = answer.status === "failed" ? String(answer.pay ?? "") : "";
    find("[data-pay]").hidden = !pay;
    if (pay) find("[data-pay]").action = pay;
    offer("order", answer.status === "failed" && course && !pay ? `${page.dataset.shop}${course}/order/` : "");
    show(find(`[data-state="${CSS.escape(answer.status)}"]`) ? answer.status : "attention");
  };

  const ask = async ({ order, key }) => {
    const address = `${page.dataset.orders}${encodeURIComponent(order)}?key=${encodeURIComponent(key)}`;
    const answer = await fetch(address, { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    if (answer.status === 404) return "unknown";
    if (!answer.ok) return "";
    const told = await answer.json();
    tell(told);
    return told.status;
  };

  const follow = async (order) => {
    const status = await ask(order).catch(() => "");
    if (FINAL.has(status)) return;
    if (status === "unknown") return show("none");
    if (performance.now() - began > PATIENCE) return status === "attention" || show("late");
    setTimeout(follow, pause, order);
    pause = Math.min(pause * 1.3, SLOWEST);
  };

  const start = (order) => {
    began = performance.now();
    pause = FIRST;
    show("waiting");
    follow(order);
  };

  // As on the order page: the way to pay may lead on to a bank that the policy does not name, and a link may go there.
  addEventListener("securitypolicyviolation", async ({ effectiveDirective }) => {
    if (effectiveDirective !== "form-action") return;
    const answer = await fetch(find("[data-pay]").action, { method: "POST", headers: { accept: "application/json" } });
    const { payment } = await answer.json();
    if (payment.method === "GET") location = payment.url;
  });

  const order = remembered();
  if (!order) return;
  again.addEventListener("click", () => start(order));
  start(order);
})();
