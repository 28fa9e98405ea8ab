// The worker of Google's functions in Node.js: the official functions-framework out of the function's own node_modules,
// fed over the channel instead of a port.
//
// The framework's own program is run as it is, but for the call that would have its server listen; so what a function
// sees of a request, and how its failures are answered, is its doing.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { Duplex } = require("node:stream");
const channel = require("./node_channel.js");

const PACKAGE = "@google-cloud/functions-framework";
const HEAD_END = Buffer.from("\r\n\r\n");

// What stands in for a connection: takes what the server writes.
class Connection extends Duplex {
  constructor(address) {
    super();
    this.remoteAddress = address;
    this.parts = [];
  }

  _read() {}

  _write(chunk, _encoding, done) {
    this.parts.push(chunk);
    done();
  }

  setTimeout() {
    return this;
  }

  setKeepAlive() {
    return this;
  }

  setNoDelay() {
    return this;
  }
}

function requestOf({ method, path: target, query, headers }, body, connection) {
  const request = new http.IncomingMessage(connection);
  request.method = method;
  request.url = query ? `${target}?${query}` : target;
  request.httpVersion = "1.1";
  request.httpVersionMajor = request.httpVersionMinor = 1;
  const pairs = headers.filter(([name]) => !/^(content-length|transfer-encoding|expect)$/i.test(name));
  if (body.length || !/^(GET|HEAD|DELETE|OPTIONS)$/.test(method)) pairs.push(["content-length", String(body.length)]);
  request.rawHeaders = pairs.flat();
  for (const [name, value] of pairs) request._addHeaderLine(name, value, request.headers);
  request.complete = true;
  if (body.length) request.push(body);
  request.push(null);
  return request;
}

// Reads what a server has written: a head, after any informational ones, and a body.
function read(written) {
  for (;;) {
    const end = written.indexOf(HEAD_END);
    const [first, ...lines] = written.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(first.split(" ")[1]);
    written = written.subarray(end + HEAD_END.length);
    if (status >= 200) {
      const headers = lines.map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at), line.slice(at + 1).trim()];
      });
      return [{ status, headers }, written];
    }
  }
}

function serve(server) {
  const send = channel.open((head, body) => {
    const connection = new Connection(
      head.context.headers.find(([name]) => name.toLowerCase() === "x-forwarded-for")?.[1].split(",")[0] ?? "127.0.0.1",
    );
    const request = requestOf(head.context, body, connection);
    const response = new http.ServerResponse(request);
    // The end of the body is the end of what is written.
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    response.assignSocket(connection);
    response.on("finish", () => {
      const [answer, rest] = read(Buffer.concat(connection.parts));
      send({ kind: "result", id: head.id, head: answer }, rest);
      response.detachSocket(connection);
      connection.destroy();
    });
    response.on("close", () => {
      if (!response.writableFinished) send({ kind: "error", id: head.id, error_type: "Aborted" }, "{}");
    });
    server.emit("request", request, response);
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

const folder = path.join(process.cwd(), "node_modules", PACKAGE);
let program;
try {
  program = path.join(folder, JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")).bin["functions-framework"]);
} catch (error) {
  console.error(`${PACKAGE} is not in the function's node_modules: ${error.message}`);
  process.exit(1);
}
catchServer();
process.argv = [process.argv[0], program];
require(program);
