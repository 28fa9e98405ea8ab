// Runs in a Node.js process that is started before its function is known (see programs.py): makes ready what every
// worker needs, waits to be told its function, and becomes the worker that its first argument names. Further arguments
// are modules that are loaded beforehand.
"use strict";

const fs = require("node:fs");
const Module = require("node:module");
const net = require("node:net");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { format } = require("node:util");

const TOLD = 4;
const SAMPLE_SOCKETS = [5, 6];
const TURNS = 3;
// What most programs ask for, and what loads slowly.
const BUILTINS = ["assert", "async_hooks", "buffer", "child_process", "crypto", "dns", "events", "http", "https", "os"];
const MORE_BUILTINS = ["perf_hooks", "querystring", "stream", "string_decoder", "tls", "tty", "url", "util", "zlib"];

// What is compiled, loaded and set up by a first use is so before a function has to wait for it.
async function makeReady(modules) {
  for (const name of [...BUILTINS, ...MORE_BUILTINS]) require(`node:${name}`);
  await Promise.all(modules.map((name) => require(name)));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const name of ["node_sample.mjs", "node_sample.cjs"]) {
      const file = path.join(__dirname, name);
      if (!fs.existsSync(file) || !fs.statSync(file).isFile()) return;
      delete require.cache[file];
      await import(`${pathToFileURL(file)}?${turn}`);
    }
    format("%s %o", "a", { a: [1] });
  }
  await exchange(SAMPLE_SOCKETS.map((fd) => new net.Socket({ fd, readable: true, writable: true })));
}

// Sends messages from one end of a pair of sockets to the other, and back.
async function exchange(ends) {
  const message = Buffer.from(JSON.stringify({ kind: "sample", head: { a: [1] } }));
  for (const end of ends) end.on("close", () => {}).on("error", () => {});
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [from, to] of [ends, ends.slice().reverse()]) {
      const arrived = new Promise((done) => to.once("data", done));
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32BE(message.length, 0);
      await new Promise((done) => from.write(Buffer.concat([lengths, message]), done));
      JSON.parse((await arrived).subarray(8, 8 + lengths.readUInt32BE(0)));
    }
  }
  for (const end of ends) end.destroy();
}

function becomeFunctions(worker, told) {
  const { environment } = told;
  for (const name of Object.keys(process.env)) {
    if (!(name in environment)) delete process.env[name];
  }
  for (const [name, value] of Object.entries(environment)) {
    // Setting TZ takes milliseconds, even to what it is.
    if (process.env[name] !== value) process.env[name] = value;
  }
  // NODE_PATH is read at the start of a process, and this one's was before its function's environment.
  Module._initPaths();
  process.chdir(told.code);
  process.argv = [process.argv[0], worker];
  require(worker);
}

const [worker, ...modules] = process.argv.slice(2);
makeReady(modules).then(() => {
  let told;
  try {
    told = JSON.parse(fs.readFileSync(TOLD, "utf8"));
  } catch {
    // The keeper has ended, and nothing was said.
    process.exit(0);
  }
  fs.closeSync(TOLD);
  becomeFunctions(worker, told);
});
