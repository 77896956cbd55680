// Lets HTML CodeSniffer look at pages through pa11y: one browser for all of them, each page loaded once, with every
// fold open, and judged wide and light, then narrow and dark. Reads {modules, addresses}, writes pa11y's issues.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { modules, addresses } = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(`${modules}/`);
const pa11y = require("pa11y");
const puppeteer = require("puppeteer");

const SCHEMES = { light: 1280, dark: 360 };

// HTML CodeSniffer reads rgb() alone: it takes oklch() for hexadecimal digits and then finds no contrast too low.
const inRgb = () => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = {};
  const painted = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return alpha === 255 ? `rgb(${red}, ${green}, ${blue})` : `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  };
  const plain = (value) => /^(?:oklch|oklab|lch|lab|color)\(/.test(value) ? known[value] ??= painted(value) : value;
  const read = (style, name) => {
    const value = style[name];
    return typeof value === "function" ? value.bind(style) : plain(value);
  };
  const computed = window.getComputedStyle;
  window.getComputedStyle = (...asked) => new Proxy(computed(...asked), { get: read });
};

const unfold = () => document.querySelectorAll("details").forEach((each) => { each.open = true; });

// A summary of errors stands above the heading of its page, so that whoever hears the page hears it first.
const isSummary = async (page, { code, selector }) =>
  code.endsWith(".1_3_1_AAA.G141") && page.$eval(selector, (heading) => !!heading.closest(".remarks"));

const judged = async (page, address, scheme, width) => {
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" }, // a colour is judged when it has arrived
  ]);
  const { issues } = await pa11y(address, {
    browser, page, ignoreUrl: true, runners: ["htmlcs"], standard: "WCAG2AAA", viewport: { width, height: 900 },
  });
  for (const issue of issues) {
    const { code, message, context } = issue;
    if (!await isSummary(page, issue)) found.push({ address, scheme, code, message, context });
  }
};

// One tab; all of them take from the same addresses, so that one can wait for a page while another is judged.
const tab = async () => {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(inRgb);
  for (const address of left) {
    await page.goto(address);
    await page.evaluate(unfold);
    for (const [scheme, width] of Object.entries(SCHEMES)) await judged(page, address, scheme, width);
  }
};

const found = [];
const left = addresses.values();
// By a pipe, so that the browser ends with this process, however that ends.
const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"], pipe: true });
try {
  await Promise.all([tab(), tab()]);
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
