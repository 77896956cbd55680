// Shows what a coupon makes of the price before the order is sent; only the shop's own order page asks for it.
"use strict";
(() => {
  const form = document.querySelector("form[data-order]");
  const field = form?.elements.coupon;
  if (!field) return;

  // The price with a code is the server's word: it answers an order without a buyer with the page as it would be.
  const quote = async () => {
    const code = field.value.trim();
    const { product, lang, button, price_shown: shown } = form.elements;
    const body = new URLSearchParams({ product: product.value, lang: lang.value, coupon: code });
    const asked = { method: "POST", body, credentials: "omit", headers: { accept: "text/html" } };
    const answer = await fetch(form.action, asked).catch(() => null);
    const page = answer?.status === 422 ? await answer.text() : "";
    const read = (pattern) => pattern.exec(page)?.[1] ?? "";
    if (field.value.trim() !== code || read(/name="button" value="([^"]*)"/) !== button.value) return;
    field.setCustomValidity(code && read(/id="coupon-wrong">([^<]*)</));
    field.checkValidity();
    shown.value = read(/name="price_shown" value="([^"]*)"/);
    for (const each of document.querySelectorAll("#price, .total .price")) each.textContent = read(/id="price"[^>]*>([^<]*)</);
  };

  field.addEventListener("input", () => field.setCustomValidity(""));
  field.addEventListener("change", quote);
})();
