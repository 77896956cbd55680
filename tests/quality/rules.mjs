// All recommended rules of html-validate, but for these.
export default {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    "attribute-empty-style": "off", // and so are hidden="" and hidden
    "attribute-boolean-style": "off", // required="" and required are the same to a browser
    "doctype-style": "off", // a browser reads it in any case of letters
    "aria-label-misuse": ["error", { allowAnyNamable: true }], // the steps of the order are a list with a name
  },
};
