// The worker of Node.js functions under AWS Lambda's contract, on the channel (see channel.py) that is descriptor 3.
//
// AWS Lambda Developer Guide, "Building Lambda functions with Node.js": handlers are async, or take a callback;
// "Logging and monitoring Node.js Lambda functions": how lines of console are written; "Response streaming for Lambda
// functions": `awslambda.streamifyResponse` and `awslambda.HttpResponseStream.from`.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const { Writable } = require("node:stream");
const { format } = require("node:util");
const { pathToFileURL } = require("node:url");

const CHANNEL = 3;
const LENGTHS = 8;
const PART_BYTES = 65536;
// As AWS's own client marks such handlers, and what stands between the head of an HTTP response and its body.
const STREAMS = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const DELIMITER = Buffer.alloc(8);
const LEVELS = { log: "INFO", info: "INFO", debug: "DEBUG", warn: "WARN", error: "ERROR", trace: "TRACE" };

const socket = new net.Socket({ fd: CHANNEL, readable: true, writable: true });
let buffer = Buffer.alloc(0);
let current = null;
let handler = null;

function send(head, body) {
  const encoded = Buffer.from(JSON.stringify(head));
  const payload = Buffer.from(body ?? "");
  const lengths = Buffer.alloc(LENGTHS);
  lengths.writeUInt32BE(encoded.length, 0);
  lengths.writeUInt32BE(payload.length, 4);
  return new Promise((done) => socket.write(Buffer.concat([lengths, encoded, payload]), done));
}

function describe(error) {
  if (error instanceof Error || (error && error.name && error.message)) {
    return {
      errorType: error.name,
      errorMessage: error.message,
      trace: String(error.stack ?? "").split("\n"),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

// What goes wrong outside any handler ends the process, as it does in Lambda.
async function fail(error) {
  const body = JSON.stringify(describe(error));
  console.error("Uncaught Exception", body);
  if (current) {
    await send({ kind: "error", id: current, error_type: error.name }, body);
  } else {
    await send({ kind: "init_error", error_type: error.name }, body);
  }
  process.exit(129);
}

function named(name, message, cause) {
  const error = new Error(message);
  error.name = name;
  if (cause) error.stack = `${name}: ${message}\n${cause.stack ?? ""}`;
  return error;
}

for (const [method, level] of Object.entries(LEVELS)) {
  console[method] = (...parts) => {
    const text = format(...parts).replaceAll("\n", "\r");
    fs.writeSync(1, `${new Date().toISOString()}\t${current ?? "undefined"}\t${level}\t${text}\n`);
  };
}

// What a function writes its response to; writing waits for whoever reads it.
class ResponseStream extends Writable {
  constructor(id, options) {
    super(options);
    this.id = id;
    this.contentType = "application/octet-stream";
    this.begun = false;
  }

  setContentType(type) {
    if (this.begun) throw named("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.contentType = type;
  }

  write(chunk, encoding, callback) {
    const bytes = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(bytes ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    send({ kind: "begin", id: this.id, head: { content_type: this.contentType } });
    this._onBeforeFirstWrite?.((first) => send({ kind: "part", id: this.id }, first));
  }

  _write(chunk, _encoding, done) {
    this.begin();
    const parts = [];
    for (let at = 0; at < chunk.length; at += PART_BYTES) {
      parts.push(send({ kind: "part", id: this.id }, chunk.subarray(at, at + PART_BYTES)));
    }
    Promise.all(parts).then(() => done());
  }

  _final(done) {
    this.begin();
    done();
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMS] = "response";
    if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark);
    return handler;
  },
  HttpResponseStream: class HttpResponseStream {
    static from(stream, head) {
      stream.setContentType("application/vnd.awslambda.http-integration-response");
      stream._onBeforeFirstWrite = (write) => {
        write(JSON.stringify(head));
        write(DELIMITER);
      };
      return stream;
    }
  },
};

async function load(name) {
  const [, folder, module, functionPath] = /^(.*\/)?([^/.]+)\.(.+)$/.exec(name) ?? [];
  if (!module) throw named("Runtime.MalformedHandlerName", "Bad handler");
  const stem = path.resolve(process.env.LAMBDA_TASK_ROOT, folder ?? "", module);
  const found = ["", ".js", ".mjs", ".cjs"].map((ending) => stem + ending).find((file) => fs.existsSync(file) && fs.statSync(file).isFile());
  if (!found) {
    throw named("Runtime.ImportModuleError", `Error: Cannot find module '${module}'\nRequire stack:\n- /var/runtime/index.mjs`);
  }
  let exported;
  try {
    exported = await import(pathToFileURL(found));
  } catch (error) {
    if (error instanceof SyntaxError) throw named("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`, error);
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw named("Runtime.ImportModuleError", `Error: ${error.message}`, error);
    }
    throw error;
  }
  const parts = functionPath.split(".");
  const reach = (from) => parts.reduce((value, part) => value?.[part], from);
  const result = reach(exported) ?? reach(exported.default);
  if (result === undefined) throw named("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof result !== "function") throw named("Runtime.HandlerNotFound", `${name} is not a function`);
  return result;
}

function contextOf(head, settle) {
  const headers = head.context;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: headers["Lambda-Runtime-Client-Context"] && JSON.parse(headers["Lambda-Runtime-Client-Context"]),
    identity: headers["Lambda-Runtime-Cognito-Identity"],
    invokedFunctionArn: headers["Lambda-Runtime-Invoked-Function-Arn"],
    awsRequestId: head.id,
    getRemainingTimeInMillis: () => Math.max(0, head.deadline_ms - Date.now()),
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error ?? "handled"),
    done: (error, result) => settle(error ?? null, result),
  };
  return context;
}

function run(head, body) {
  return new Promise((done) => {
    let settled = false;
    const settle = (error, result) => {
      if (settled) return;
      settled = true;
      done(error === null || error === undefined ? { result } : { error });
    };
    try {
      const returned = handler(JSON.parse(body), contextOf(head, settle), settle);
      if (typeof returned?.then === "function") {
        returned.then((result) => settle(null, result), (error) => settle(error ?? "handled"));
      } else if (handler.length < 3 && returned !== undefined) {
        // AWS's runtime ignores what a handler returns that is neither async nor calls back.
        settle(null, null);
      } else if (handler.length < 3) {
        settle(null, null);
      }
    } catch (error) {
      settle(error ?? "handled");
    }
  });
}

async function invoke(head, body) {
  current = head.id;
  process.env._X_AMZN_TRACE_ID = head.context["Lambda-Runtime-Trace-Id"] ?? "";
  if (handler[STREAMS]) {
    await stream(head, body);
    return;
  }
  const { error, result } = await run(head, body);
  if (error !== undefined) {
    const described = describe(error);
    console.error("Invoke Error", JSON.stringify(described));
    await send({ kind: "error", id: head.id, error_type: described.errorType }, JSON.stringify(described));
    return;
  }
  let payload;
  try {
    payload = JSON.stringify(result === undefined ? null : result);
  } catch (problem) {
    const described = describe(named("Runtime.UnserializableResult", problem.message, problem));
    await send({ kind: "error", id: head.id, error_type: described.errorType }, JSON.stringify(described));
    return;
  }
  await send({ kind: "result", id: head.id, head: { content_type: "application/json" } }, payload ?? "null");
}

async function stream(head, body) {
  const highWaterMark = handler[HIGH_WATER_MARK];
  const response = new ResponseStream(head.id, highWaterMark === undefined ? {} : { highWaterMark });
  try {
    const written = new Promise((done, failed) => {
      response.on("finish", done).on("error", failed);
      response.on("close", () => failed(named("Runtime.StreamError", "The response stream was closed before its end.")));
    });
    const returned = handler(JSON.parse(body), response, contextOf(head, () => {}));
    if (typeof returned?.then !== "function") {
      throw named("StreamingHandlerMustBeAsync", "Streaming does not support non-async handlers.");
    }
    await Promise.all([returned, written]);
  } catch (error) {
    const described = describe(error ?? "handled");
    console.error("Invoke Error", JSON.stringify(described));
    await send({ kind: "error", id: head.id, error_type: described.errorType }, JSON.stringify(described));
    return;
  }
  await send({ kind: "end", id: head.id });
}

socket.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  while (buffer.length >= LENGTHS) {
    const end = LENGTHS + buffer.readUInt32BE(0);
    const next = end + buffer.readUInt32BE(4);
    if (buffer.length < next) return;
    const head = JSON.parse(buffer.subarray(LENGTHS, end));
    const body = buffer.subarray(end, next).toString();
    buffer = buffer.subarray(next);
    if (head.kind === "invoke") invoke(head, body);
  }
});
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(0));
process.on("uncaughtException", fail);
process.on("unhandledRejection", (reason) => fail(named("Runtime.UnhandledPromiseRejection", String(reason), reason)));

load(process.env._HANDLER).then(
  (loaded) => {
    handler = loaded;
    send({ kind: "ready" });
  },
  async (error) => {
    const body = JSON.stringify(describe(error));
    console.error("Uncaught Exception", body);
    await send({ kind: "init_error", error_type: error.name }, body);
    process.exit(1);
  },
);
