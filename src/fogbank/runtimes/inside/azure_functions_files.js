// Which files of an Azure Functions app in Node.js are loaded: those that `main` in its package.json names, a file or a
// pattern ("Azure Functions Node.js developer guide", "Registering a function").
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const DEEPEST = 16;

function appFiles(folder) {
  const manifest = path.join(folder, "package.json");
  if (!fs.existsSync(manifest)) return [];
  const { main } = JSON.parse(fs.readFileSync(manifest, "utf8").replace(/^\uFEFF/, ""));
  if (!main) return [];
  const plain = path.join(folder, main);
  if (fs.existsSync(plain) && fs.statSync(plain).isFile()) return [plain];
  const wanted = new RegExp(`^${expression(path.posix.normalize(main))}$`);
  const found = filesBelow(folder).filter((name) => wanted.test(name));
  if (!found.length) throw new Error(`Found zero files matching the supplied pattern "${main}"`);
  return found.sort().map((name) => path.join(folder, name));
}

// Folders with a function.json, which the versions of the programming model before 4 have.
function describedFolders(folder) {
  const has = ({ name }) => fs.existsSync(path.join(folder, name, "function.json"));
  return fs.readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory() && has(each)).map(({ name }) => name);
}

function filesBelow(folder, prefix = "", depth = 0) {
  const found = [];
  for (const entry of fs.readdirSync(path.join(folder, prefix), { withFileTypes: true })) {
    const name = prefix ? `${prefix}/${entry.name}` : entry.name;
    if (entry.isDirectory() && entry.name !== "node_modules" && depth < DEEPEST) found.push(...filesBelow(folder, name, depth + 1));
    else if (entry.isFile()) found.push(name);
  }
  return found;
}

// A pattern with *, **, ?, {a,b} and [ab] as a regular expression.
function expression(pattern) {
  let text = "";
  let open = 0;
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at];
    if (sign === "*" && pattern[at + 1] === "*") {
      const whole = pattern[at + 2] === "/";
      text += whole ? "(?:.*/)?" : ".*";
      at += whole ? 2 : 1;
    } else if (sign === "*") text += "[^/]*";
    else if (sign === "?") text += "[^/]";
    else if (sign === "{") {
      open++;
      text += "(?:";
    } else if (sign === "}" && open) {
      open--;
      text += ")";
    } else if (sign === "," && open) text += "|";
    else if (sign === "[" || sign === "]") text += sign;
    else text += sign.replace(/[\\^$+.()|{}]/, "\\$&");
  }
  return text;
}

module.exports = { appFiles, describedFolders, expression };
