// The worker of Google's functions in Node.js: the official functions-framework out of the function's own node_modules,
// fed over the channel instead of a port.
//
// The framework's own program is run as it is, but for the call that would have its server listen; so what a function
// sees of a request, and how its failures are answered, is its doing.
"use strict";

const http = require("node:http");
const channel = require("./node_channel.js");
const { answer } = require("./functions_framework_requests.js");
const { programOf } = require("./functions_framework_package.js");

const PACKAGE = "@google-cloud/functions-framework";
function serve(server) {
  const send = channel.open((head, body) => {
    answer(server, head.context, body).then(
      ([told, rest]) => send({ kind: "result", id: head.id, head: told }, rest),
      () => send({ kind: "error", id: head.id, error_type: "Aborted" }, "{}"),
    );
  });
  send({ kind: "ready" });
}

// The framework listens on the port that the environment names; nobody else's server is touched.
function catchServer() {
  const { listen } = http.Server.prototype;
  http.Server.prototype.listen = function (port, ...rest) {
    if (String(port) !== process.env.PORT) return listen.call(this, port, ...rest);
    delete http.Server.prototype.listen;
    const done = rest.find((each) => typeof each === "function");
    process.nextTick(() => {
      done?.();
      serve(this);
    });
    return this;
  };
}

let program;
try {
  program = programOf(process.cwd());
} catch (error) {
  console.error(`@google-cloud/functions-framework is not in the function's node_modules: ${error.message}`);
  process.exit(1);
}
catchServer();
process.argv = [process.argv[0], program];
require(program);
