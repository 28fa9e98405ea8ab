// Requests for a server of Node.js that listens nowhere.
"use strict";

const http = require("node:http");
const { Duplex } = require("node:stream");

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

// Hands a request to a server; returns head and body of its answer.
function answer(server, context, body) {
  const forwarded = context.headers.find(([name]) => name.toLowerCase() === "x-forwarded-for")?.[1];
  const connection = new Connection(forwarded?.split(",")[0] ?? "127.0.0.1");
  const request = requestOf(context, body, connection);
  const response = new http.ServerResponse(request);
  // The end of the body is the end of what is written.
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.assignSocket(connection);
  return new Promise((done, fail) => {
    response.on("finish", () => {
      done(read(Buffer.concat(connection.parts)));
      response.detachSocket(connection);
      connection.destroy();
    });
    response.on("close", () => fail(new Error("closed before its end")));
    server.emit("request", request, response);
  });
}

module.exports = { answer };
