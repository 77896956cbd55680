// Gives Azurite the clock of a test: the milliseconds in the file that KRAMIK_CLOCK names; the real one while it is empty.
const fs = require("fs");
const Real = Date;
const file = process.env.KRAMIK_CLOCK;

function now() {
  const text = fs.readFileSync(file, "utf8");
  return text ? Number(text) : Real.now();
}

if (file) {
  global.Date = class extends Real {
    constructor(...given) {
      super(...(given.length ? given : [now()]));
    }
    static now() {
      return now();
    }
  };
}
