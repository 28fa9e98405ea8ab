// Loads the functions-framework of one function's code, in a stem that is that function's already, and has it answer
// requests to a sample. What the function itself is made of is loaded by nobody before its instance is wanted.
//
// The framework's inner modules are called as its own program calls them. Where another version has others, what is
// loaded by then is loaded, and the rest is when the function starts.
"use strict";

const Module = require("node:module");
const { answer } = require("./functions_framework_requests.js");
const { programOf } = require("./functions_framework_package.js");

// Where a function's code is in a sandbox (see functions_framework/contract.py).
const CODE = "/workspace";
const TURNS = 3;
const QUIET = { log() {}, info() {}, warn() {}, error() {} };
const OPTIONS = {
  port: "0", target: "sample", sourceLocation: "", signatureType: "http", timeoutMilliseconds: 0,
  enableExecutionId: false, ignoredRoutes: null, printHelp: false,
};

async function warmUp() {
  const framework = Module.createRequire(programOf(CODE));
  const [loader, server] = ["./loader", "./server", "./invoker", "./options", "./logger"].map((name) => framework(name));
  const sample = require.resolve("./functions_framework_sample.js");
  const { userFunction, signatureType } = await loader.getUserFunction(sample, OPTIONS.target, "http");
  delete require.cache[sample];
  const made = server.getServer(userFunction, { ...OPTIONS, signatureType });
  const headers = [["host", "localhost"], ["content-type", "application/json"], ["x-forwarded-for", "127.0.0.1"]];
  for (let turn = 0; turn < TURNS; turn++) {
    await answer(made, { method: "GET", path: "/a%20b", query: "name=x", headers }, Buffer.alloc(0));
    await answer(made, { method: "POST", path: "/", query: "", headers }, Buffer.from('{"a": 1}'));
  }
}

const { log, info, warn, error } = console;
Object.assign(console, QUIET);
module.exports = warmUp().catch(() => {}).finally(() => Object.assign(console, { log, info, warn, error }));
