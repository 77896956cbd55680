// Shows what a coupon makes of the price before the order is sent, in every order form of the page; sent as one file with
// course-order.js where the shop has coupons.
"use strict";
globalThis.courseOrderCoupon ??= (() => {
  const FIELD = "form[data-order] [name=coupon]";
  const asked = new WeakMap(); // the code that the price of a form is for

  const plain = (html) => html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)).replaceAll("&amp;", "&");

  // The price with a code is the server's word: it answers an order without a buyer with the page as it would be.
  const quote = async (field) => {
    const { form } = field, code = field.value.trim();
    if (code === (asked.get(field) ?? field.defaultValue)) return;
    asked.set(field, code);
    const { product, lang, button, price_shown: shown } = form.elements;
    const body = new URLSearchParams({ product: product.value, lang: lang.value, coupon: code });
    const answer = await fetch(form.action, {
      method: "POST", body, credentials: "omit", referrerPolicy: "no-referrer", headers: { accept: "text/html" },
    }).catch(() => null);
    const page = answer?.status === 422 ? await answer.text() : "";
    const read = (pattern) => plain(pattern.exec(page)?.[1] ?? "");
    if (asked.get(field) !== code) return;
    // Another button (nothing is left to pay), or no answer: the server asks the buyer to confirm, as it does without script.
    if (read(/name="button" value="([^"]*)"/) !== button.value) return asked.delete(field);
    field.setCustomValidity(code && read(/id="coupon-wrong">([^<]*)</));
    field.checkValidity();
    shown.value = read(/name="price_shown" value="([^"]*)"/);
    const price = read(/id="price"[^>]*>([^<]*)</);
    const around = form.closest(".course-order") ?? document; // a guest's page has prices of its own
    for (const each of around.querySelectorAll("[id$=price], .total .price")) each.textContent = price;
  };

  // Before the form itself listens: a remark about the old code goes with the first letter of a new one.
  const on = (kind, then) =>
    document.addEventListener(kind, (event) => event.target.matches?.(FIELD) && then(event.target, event), true);
  on("input", (field) => field.setCustomValidity(""));
  on("change", quote);
  on("keydown", (field, event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // who confirms a code wants to see the price, not to order
    quote(field);
  });

  // Whoever comes back has their code again in the field, and the price of before beside it.
  addEventListener("pageshow", () => document.querySelectorAll(FIELD).forEach(quote));

  // A link may bring a code along; in the page of a guest `code` may be anything.
  const field = document.querySelector(`body.order ${FIELD}`), code = new URLSearchParams(location.search).get("code");
  if (field && code && !field.value) {
    field.value = code.slice(0, field.maxLength);
    field.closest("details").open = true;
    quote(field);
  }
  return true;
})();
