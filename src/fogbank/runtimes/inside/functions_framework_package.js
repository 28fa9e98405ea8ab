// Finds the program of Google's functions-framework in the node_modules of a function.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

function programOf(code) {
  const folder = path.join(code, "node_modules", "@google-cloud", "functions-framework");
  const { bin } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  return path.join(folder, bin["functions-framework"]);
}

module.exports = { programOf };
