// <course-order product="…" warm="…"> helps the order form inside of it, which works without this file: a warm server,
// remarks before it is sent, a key for each content, and one submit at a time.
"use strict";
customElements.get("course-order") ?? (() => {
  const warmed = {};
  let pressed = 0; // until when a press may last, by the page's clock
  const MAIL = "gmail.com outlook.com hotmail.com icloud.com yahoo.com proton.me wp.pl o2.pl onet.pl poczta.onet.pl interia.pl gazeta.pl op.pl vp.pl tlen.pl".split(" ");

  const make = (tag, fields, ...inside) => {
    const element = Object.assign(document.createElement(tag), fields);
    element.append(...inside);
    return element;
  };

  // Only what is surely wrong; the server judges the rest.
  const good = {
    email: (text) => /^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(text),
    tax_id: (text) => {
      const digits = text.replace(/^PL|[\s-]/gi, "");
      if (/\D/.test(digits)) return true;
      const sum = [..."657234567"].reduce((all, weight, place) => all + weight * digits[place], 0);
      return digits.length === 10 && sum % 11 === +digits[9];
    },
  };

  // Whether so few letters added, dropped, changed or swapped make one word of the other.
  const near = (a, b, few) => {
    while (a && a[0] === b[0]) [a, b] = [a.slice(1), b.slice(1)];
    return a === b || few > 0 && (near(a.slice(1), b.slice(1), few - 1) || near(a.slice(1), b, few - 1) ||
      near(a, b.slice(1), few - 1) || a[0] === b[1] && a[1] === b[0] && near(a.slice(2), b.slice(2), few - 1));
  };

  // Under a finger nothing may move: a button that a new remark pushes away would miss the press that was meant for it.
  const calmly = (work, ...given) =>
    performance.now() < pressed ? setTimeout(calmly, 50, work, ...given) : work(...given);
  const listen = (kinds, then) => kinds.split(" ").forEach((kind) => addEventListener(kind, then, true));
  listen("pointerdown", () => { pressed = performance.now() + 5_000; });
  listen("mouseup pointercancel keydown", () => { pressed = 0; }); // a finger makes a mouseup, too, later than a pointerup

  const put = (element, name, value) => value ? element.setAttribute(name, value) : element.removeAttribute(name);

  const help = (form, url) => {
    const button = form.querySelector("button[type=submit]");
    const label = button.textContent;
    const said = form.dataset;
    let locked = false, timer = 0, meant;
    let kept = history.state ?? {};
    let remarks = document.querySelector("body.order #remarks"); // of the server
    const answered = !!remarks; // to a form: with a state of its own its address would be asked for without what was sent

    const warm = () => {
      if (!url || performance.now() < warmed[url] || navigator.connection?.saveData) return;
      // Long enough for a free instance to stay awake, whatever number of forms asks for it.
      warmed[url] = performance.now() + 240_000;
      fetch(url, {
        mode: "no-cors", credentials: "omit", cache: "no-store", keepalive: true, priority: "low",
        referrerPolicy: "no-referrer",
      }).catch(() => {});
    };

    const lock = (on) => {
      locked = on;
      clearTimeout(timer);
      button.textContent = on ? button.dataset.busy : label;
      put(button, "aria-disabled", on);
      // A policy or a broken line may have kept the buyer here.
      timer = on && setTimeout(lock, 10_000, false);
    };

    // The same content keeps its key, so that a second try is the same order; other content is another order. The history
    // keeps both for whoever comes back from the gateway to a page that the browser had to load anew.
    const key = () => {
      const content = new URLSearchParams(new FormData(form));
      content.delete("idempotency_key");
      const sent = `${content}`;
      if (kept.sent !== sent) kept = { ...history.state, sent, key: crypto.randomUUID?.() ?? "" }; // no id without TLS
      if (!answered) history.replaceState(kept, "");
      form.elements.idempotency_key.value = kept.key;
    };

    const wrong = (field) => {
      const text = field.value.trim(), { validity } = field;
      const say = (kind) => said[kind + field.name] ?? "";
      if (validity.valueMissing || field.required && !text) return say("missing_");
      if (text && good[field.name]?.(text) === false) return say("invalid_");
      return validity.customError ? field.validationMessage : "";
    };

    const unfold = (field) => field.closest("details")?.setAttribute("open", "");

    const mark = (field) => {
      const text = wrong(field), id = `${field.id}-wrong`;
      document.getElementById(id)?.remove();
      field.closest(".field").classList.toggle("bad", !!text);
      if (text) field.before(make("p", { className: "wrong", id, textContent: text }));
      put(field, "aria-invalid", !!text);
      const notes = [`${field.id}-hint`, id].filter((each) => document.getElementById(each));
      put(field, "aria-describedby", notes.join(" "));
      return text;
    };

    const fields = [...form.querySelectorAll(".field :is(input:not([type=radio]), select)")];

    const allGood = () => {
      const found = fields.filter(mark);
      remarks?.remove();
      if (!found.length) return true;
      const entry = (field) => make("li", {}, make("a", { href: "#" + field.id, textContent: wrong(field) }));
      remarks = make("div", { className: "remarks", role: "alert", tabIndex: -1 },
        make("h2", { textContent: said.wrong }), make("ul", {}, ...found.map(entry)));
      found.forEach(unfold);
      const heading = document.querySelector("body.order h1"); // none where the form is a guest in another site's page
      (heading ?? form).before(remarks);
      if (heading) document.title = said.title;
      remarks.focus();
      return false;
    };

    const hint = (field) => {
      meant?.remove();
      const [name, domain] = field.value.trim().toLowerCase().split("@");
      if (!domain || MAIL.includes(domain)) return;
      const known = MAIL.find((each) => near(domain, each, each.length > 6 ? 2 : 1));
      if (!known) return;
      const address = field.value.trim().slice(0, name.length) + "@" + known;
      const onclick = () => {
        field.value = address;
        meant.remove();
        mark(field);
        field.focus();
      };
      const take = make("button", { type: "button", textContent: said.meant.replace("{}", address), onclick });
      meant = make("p", { className: "meant", role: "status" });
      field.after(meant);
      setTimeout(() => meant.append(take), 50); // what is told is what changes in a status that was there before
    };

    const query = new URLSearchParams(location.search);
    const source = query.get("ref") ?? query.get("utm_source");
    if (source) form.elements.source.value = source.slice(0, 100);
    form.noValidate = true;
    form.addEventListener("focusin", warm);
    form.addEventListener("change", ({ target }) => {
      if (fields.includes(target)) calmly(mark, target);
      if (target.name === "email") calmly(hint, target);
    });
    form.addEventListener("input", ({ target }) => target.ariaInvalid && mark(target));
    // Another script on the page says what it knows by setCustomValidity and checkValidity.
    form.addEventListener("invalid", ({ target }) => fields.includes(target) && calmly(mark, target), true);
    form.addEventListener("submit", (event) => {
      if (locked || !allGood()) return event.preventDefault();
      key();
      lock(true);
    });
    addEventListener("pageshow", (event) => {
      if (event.persisted) lock(false);
      // A browser may put back what was typed, and never what was unfolded.
      fields.forEach((field) => field.value && unfold(field));
    });
    // Behind the gateway there may be a bank that the policy of this page can not name. Browsers hold the whole way of a
    // form against it, after the order was placed; the way of a link they do not.
    addEventListener("securitypolicyviolation", async ({ effectiveDirective }) => {
      if (!locked || effectiveDirective !== "form-action") return;
      const body = new URLSearchParams(new FormData(form));
      body.set("button", button.value);
      const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
      const { payment } = await answer.json();
      if (payment.method === "GET") location = payment.url;
    });
    document.addEventListener("visibilitychange", () => document.hidden || (form.elements.email.value && warm()));
    new IntersectionObserver(([seen], watcher) => {
      if (!seen.isIntersecting) return;
      watcher.disconnect();
      (globalThis.requestIdleCallback ?? setTimeout)(warm);
    }, { rootMargin: "400px" }).observe(form);
  };

  // Two forms on a page may both bring this file; an element that is moved keeps the help that it has.
  customElements.define("course-order", class extends HTMLElement {
    connectedCallback() {
      const form = this.querySelector("form");
      if (form && !form.noValidate) help(form, this.getAttribute("warm"));
      // A page that loads this file early meets the element before what is inside of it.
      if (!form && document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.connectedCallback());
    }
  });
})();
