// The order form works without this file. Here it gets a warm server, remarks before it is sent, a key for each
// content, and one submit at a time.
"use strict";
(() => {
  const form = document.querySelector("form[data-order]");
  if (!form) return;
  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  const said = form.dataset;
  const WARM_FOR = 240_000;
  const STUCK_AFTER = 10_000;
  const MAIL = "gmail.com outlook.com hotmail.com icloud.com yahoo.com proton.me wp.pl o2.pl onet.pl poczta.onet.pl interia.pl gazeta.pl op.pl vp.pl tlen.pl".split(" ");
  let warmed = -WARM_FOR, sent = "", locked = false, timer = 0, refused = ["", ""];

  const warm = () => {
    if (performance.now() - warmed < WARM_FOR || navigator.connection?.saveData) return;
    warmed = performance.now();
    fetch(said.warm, {
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

  const make = (tag, fields, ...inside) => {
    const element = Object.assign(document.createElement(tag), fields);
    element.append(...inside);
    return element;
  };

  // Only what is surely wrong; the server judges the rest.
  const good = {
    email: (text) => /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(text),
    tax_id: (text) => {
      const digits = text.replace(/^PL|[\s-]/gi, "");
      if (/\D/.test(digits)) return true;
      const sum = [6, 5, 7, 2, 3, 4, 5, 6, 7].reduce((all, weight, place) => all + weight * digits[place], 0);
      return digits.length === 10 && sum % 11 === +digits[9];
    },
  };

  const wrong = (field) => {
    const text = field.value.trim();
    if (field.required && !(field.type === "checkbox" ? field.checked : text)) return said[`missing_${field.name}`] ?? "";
    if (field.name === "coupon") return text && text === refused[0] ? refused[1] : "";
    return text && good[field.name]?.(text) === false ? said[`invalid_${field.name}`] ?? "" : "";
  };

  const mark = (field) => {
    const text = wrong(field), id = `${field.id}-wrong`;
    document.getElementById(id)?.remove();
    field.closest(".field").classList.toggle("bad", !!text);
    if (text) field.before(make("p", { className: "wrong", id, textContent: text }));
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    const notes = [`${field.id}-hint`, id].filter((each) => document.getElementById(each));
    if (notes.length) field.setAttribute("aria-describedby", notes.join(" "));
    else field.removeAttribute("aria-describedby");
    return text;
  };

  // The price with a code is the server's word: it answers an order without a buyer with the page as it would be.
  const quote = async (field) => {
    const code = field.value.trim();
    const body = new URLSearchParams({ product: form.elements.product.value, lang: form.elements.lang.value, coupon: code });
    const asked = { method: "POST", body, credentials: "omit", headers: { accept: "text/html" } };
    const answer = await fetch(form.action, asked).catch(() => null);
    const page = answer?.status === 422 ? await answer.text() : "";
    const read = (pattern) => pattern.exec(page)?.[1] ?? "";
    if (field.value.trim() !== code || read(/name="button" value="([^"]*)"/) !== button.value) return;
    refused = [code, read(/id="coupon-wrong">([^<]*)</)];
    mark(field);
    form.elements.price_shown.value = read(/name="price_shown" value="([^"]*)"/);
    for (const each of document.querySelectorAll("#price, .total .price")) each.textContent = read(/id="price"[^>]*>([^<]*)</);
  };

  const fields = [...form.querySelectorAll(".field input:not([type=radio])")];

  const allGood = () => {
    const found = fields.filter(mark);
    document.getElementById("remarks")?.remove();
    if (!found.length) return true;
    const entry = (field) => make("li", {}, make("a", { href: `#${field.id}`, textContent: wrong(field) }));
    const remarks = make("div", { className: "remarks", id: "remarks", role: "alert", tabIndex: -1 },
      make("h2", { textContent: said.wrong }), make("ul", {}, ...found.map(entry)));
    found.forEach((field) => field.closest("details")?.setAttribute("open", ""));
    const heading = document.querySelector("body.order h1"); // none where the form is a guest in another site's page
    (heading ?? form).before(remarks);
    if (heading) document.title = said.title;
    remarks.focus();
    return false;
  };

  const far = (a, b) => {
    const rows = [...Array(a.length + 1)].map((_, i) => [i, ...Array(b.length).fill(0)]);
    rows[0] = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) {
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
    return rows[a.length][b.length];
  };

  const hint = (field) => {
    document.getElementById("meant")?.remove();
    const [name, domain] = field.value.trim().toLowerCase().split("@");
    if (!domain || MAIL.includes(domain)) return;
    const near = MAIL.find((each) => far(domain, each) <= (each.length > 6 ? 2 : 1));
    if (!near) return;
    const meant = `${field.value.trim().slice(0, name.length)}@${near}`;
    const take = make("button", { type: "button", textContent: said.meant.replace("{}", meant) });
    take.addEventListener("click", () => {
      field.value = meant;
      take.parentElement.remove();
      mark(field);
      field.focus();
    });
    field.after(make("p", { className: "meant", id: "meant", role: "status" }, take));
  };

  const source = new URLSearchParams(location.search).get("ref");
  if (source) form.elements.source.value = source.slice(0, 100);
  form.noValidate = true;
  form.addEventListener("focusin", warm);
  form.addEventListener("change", ({ target }) => {
    if (fields.includes(target)) mark(target);
    if (target.name === "email") hint(target);
    if (target.name === "coupon") quote(target);
  });
  form.addEventListener("input", ({ target }) => target.ariaInvalid && mark(target));
  form.addEventListener("submit", (event) => {
    if (locked || !allGood()) return event.preventDefault();
    key();
    lock(true);
  });
  addEventListener("pageshow", (event) => event.persisted && lock(false));
  document.addEventListener("visibilitychange", () => document.hidden || (form.elements.email.value && warm()));
  new IntersectionObserver((seen, watcher) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    watcher.disconnect();
    (globalThis.requestIdleCallback ?? setTimeout)(warm);
  }, { rootMargin: "400px" }).observe(form);
})();
