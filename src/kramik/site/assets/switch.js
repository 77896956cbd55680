// A page that is to change at a moment: what was built for then takes its place, at the same address.
"use strict";
(() => {
  const OFTEN = 300_000; // no wait is longer: a clock may be set, and a machine may sleep
  let timer = 0, asking = false, patience = 1_000;

  const later = (left) => { timer = setTimeout(look, Math.max(1_000, Math.min(left, OFTEN))); };

  // Whoever has begun to type keeps the page; the server asks when the price is another one by now.
  const begun = () => [...document.querySelectorAll("input")].some((field) =>
    field.value !== field.defaultValue || field.checked !== field.defaultChecked);

  const take = (page) => {
    const height = scrollY;
    document.body.replaceWith(page.body);
    scrollTo(0, height);
    look();
  };

  // A request makes a document without HTML in a string, which the policy of the page forbids.
  const ask = (successor, moment) => {
    const request = new XMLHttpRequest();
    request.open("GET", successor);
    request.responseType = "document";
    request.onloadend = () => {
      asking = false;
      const page = request.status === 200 && request.response;
      if (!page) return later(patience *= 2);
      // The server knows better what time it is.
      const told = (name) => request.getResponseHeader(name);
      const left = moment - Date.parse(told("date")) - 1_000 * told("age");
      if (left > 0) later(left); else if (!begun()) take(page);
    };
    asking = true;
    request.send();
  };

  const look = () => {
    clearTimeout(timer);
    const { switch: written, successor } = document.querySelector("main")?.dataset ?? {};
    if (!written || asking || begun()) return;
    const moment = Date.parse(written), left = moment - Date.now();
    if (left > 0) later(left); else ask(successor, moment);
  };

  for (const sign of ["pageshow", "visibilitychange"]) addEventListener(sign, look);
  look();
})();
