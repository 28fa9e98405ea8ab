// The worker of Azure Functions apps in Node.js: version 4 of the programming model, by the app's own copy of
// @azure/functions, on our channel.
//
// "Azure Functions Node.js developer guide": the files that `main` in package.json names (a pattern) register functions.
// The library asks its worker for the module @azure/functions-core, which stands in no registry: it is made here. An
// invocation whose context asks for the `index` is answered with what functions there are, each as in its function.json.
"use strict";

const fs = require("node:fs");
const { isUtf8 } = require("node:buffer");
const Module = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const channel = require("./node_channel.js");
const { appFiles, describedFolders } = require("./azure_functions_files.js");

const CORE = "@azure/functions-core";
const HOST_VERSION = "4.1036.0";
const WORKER_VERSION = "3.10.1";
const HOOKS = ["preInvocation", "postInvocation", "appStart", "appTerminate", "log"];
const LEVELS = { trace: "Trace", debug: "Debug", information: "Information", warning: "Warning", error: "Error", critical: "Critical" };
const QUIET = new Set(["trace", "debug"]);

const functions = new Map();
const failed = [];
const hooks = new Map(HOOKS.map((name) => [name, []]));
const appHookData = {};
let model;
let started = false;
let file = "";

function writeLog(level, text) {
  fs.writeSync(1, `${new Date().toISOString().slice(0, 19)}Z   [${LEVELS[level] ?? "Information"}]   ${text}\n`);
}

// What the library and the app themselves have to say; `none` and the like of the worker's are not shown.
function log(level, category, message, invocationContext) {
  const context = { level, message, category, invocationContext, hookData: {}, appHookData };
  for (const hook of hooks.get("log")) hook(context);
  if (category === "user" ? !QUIET.has(context.level) : !QUIET.has(context.level) && context.level !== "information") {
    writeLog(context.level, context.message);
  }
}

class Disposable {
  constructor(dispose) {
    this.dispose = dispose;
  }

  static from(...all) {
    return new Disposable(() => all.forEach((each) => each?.dispose()));
  }
}

function systemError(message, Kind = Error) {
  return Object.assign(new Kind(message), { isAzureFunctionsSystemError: true });
}

const core = {
  hostVersion: HOST_VERSION,
  workerVersion: WORKER_VERSION,
  Disposable,
  log: (level, category, message) => log(level, category, message),
  setProgrammingModel: (given) => (model = given),
  getProgrammingModel: () => model,
  registerFunction(metadata, callback) {
    if (started) throw systemError("A function can only be registered during app startup.");
    if (functions.has(metadata.name)) {
      throw systemError(`A function with name "${metadata.name}" has already been registered.`);
    }
    const bindings = Object.fromEntries(
      Object.entries(metadata.bindings).map(([name, binding]) => [name, { ...binding, name }]),
    );
    functions.set(metadata.name, { ...metadata, bindings, callback, file });
    return new Disposable(() => functions.delete(metadata.name));
  },
  registerHook(name, callback) {
    if (!hooks.has(name)) throw systemError(`Unrecognized hook "${name}"`, RangeError);
    hooks.get(name).push(callback);
    return new Disposable(() => hooks.set(name, hooks.get(name).filter((each) => each !== callback)));
  },
};

const load = Module._load;
Module._load = function (request, ...rest) {
  return request === CORE ? core : load.call(this, request, ...rest);
};

function report(error) {
  if (!(error instanceof Error)) return { errorType: "Error", errorMessage: String(error), stackTrace: "" };
  return { errorType: error.name, errorMessage: error.message, stackTrace: error.stack ?? "" };
}

async function runHooks(name, context) {
  for (const hook of hooks.get(name)) await hook(context);
}

async function loadApp(folder) {
  const files = appFiles(folder);
  for (const each of files) {
    file = path.relative(folder, each);
    try {
      // What a package says of its modules is for Node to find out.
      await import(pathToFileURL(each));
    } catch (error) {
      if (error instanceof Error) error.message = `Worker was unable to load entry point "${file}": ${error.message}`;
      throw error;
    }
  }
  for (const name of describedFolders(folder)) {
    const error = "Fogbank supports version 4 of the Node.js programming model, without function.json.";
    if (!functions.has(name)) failed.push({ name, bindings: [], language: "node", error });
  }
  if (functions.size && !model) throw systemError("No programming model was set: @azure/functions did not load.");
  await runHooks("appStart", { hookData: {}, appHookData, functionAppDirectory: folder, hostVersion: HOST_VERSION });
  const capabilities = (await model?.getCapabilities({})) ?? {};
  if (capabilities.HttpUri) throw systemError("Fogbank does not support enableHttpStream.");
  started = true;
}

function describe() {
  const registered = [...functions.values()].map(({ name, bindings, retryOptions, file: scriptFile }) => ({
    name,
    scriptFile,
    language: "node",
    bindings: Object.values(bindings).map(({ properties, sdkBinding, ...binding }) => binding),
    ...(retryOptions && { retry: retryOptions }),
  }));
  return { functions: [...registered, ...failed] };
}

function joined(pairs) {
  const found = {};
  for (const [name, value] of pairs) found[name] = name in found ? `${found[name]},${value}` : value;
  return found;
}

// What the trigger hands over: a request, a message, or something in JSON.
function inputOf(context, body) {
  if (context.text) return isUtf8(body) ? { string: body.toString() } : { bytes: body };
  if (!("method" in context)) return { json: body.toString() };
  const query = joined(new URLSearchParams(context.query));
  const headers = joined(context.headers);
  return { http: { method: context.method, url: context.url, headers, query, params: context.params, body: { bytes: body } } };
}

// What the function gets besides, which the server has found; what isn't there has no data.
function furtherInputs(context, bindings) {
  const inputs = Object.values(bindings).filter(({ direction, type }) => direction === "in" && !/trigger$/i.test(type));
  return inputs.map(({ name }) => ({ name, data: context.inputs?.[name] ? { json: context.inputs[name] } : {} }));
}

function retryOf({ tries, tries_max: most }) {
  return tries === undefined ? null : { retryCount: tries, maxRetryCount: Number(most) };
}

function metadataOf(context) {
  const entries = Object.entries(context.metadata ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, { json: JSON.stringify(value) }]));
}

async function invoke({ id, context }, body) {
  const metadata = functions.get(context.function);
  if (!metadata) throw systemError(`Function with name '${context.function}' has not been loaded.`);
  const trigger = Object.values(metadata.bindings).find((binding) => /trigger$/i.test(binding.type));
  if (context.refused) throw new Error(context.refused);
  const headers = joined((context.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
  const request = {
    invocationId: id,
    functionId: context.function,
    inputData: [{ name: trigger.name, data: inputOf(context, body) }, ...furtherInputs(context, metadata.bindings)],
    triggerMetadata: metadataOf(context),
    traceContext: { traceParent: headers.traceparent ?? "", traceState: headers.tracestate ?? "", attributes: {} },
    retryContext: retryOf(context),
  };
  let userContext;
  const coreContext = {
    invocationId: id,
    request,
    metadata,
    state: undefined,
    log: (level, category, message) => log(level, category, message, userContext),
  };
  const invocation = model.getInvocationModel(coreContext);
  const given = await invocation.getArguments();
  userContext = given.context;
  const shared = { hookData: {}, appHookData, invocationContext: given.context };
  coreContext.state = "preInvocationHooks";
  const before = { ...shared, functionCallback: metadata.callback, inputs: given.inputs };
  await runHooks("preInvocation", before);
  coreContext.state = "invocation";
  const after = { ...shared, inputs: before.inputs, result: null, error: null };
  try {
    after.result = await invocation.invokeFunction(given.context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error;
  }
  coreContext.state = "postInvocationHooks";
  await runHooks("postInvocation", after);
  coreContext.state = undefined;
  if (after.error !== null && after.error !== undefined) throw after.error;
  return resultOf(await invocation.getResponse(given.context, after.result), trigger, metadata.bindings);
}

// Returns head and body of what is answered to an HTTP request; anything else has outputs at most.
function resultOf(response, trigger, bindings) {
  const outputs = outputsOf(response, bindings);
  if (trigger.type.toLowerCase() !== "httptrigger") return [outputs, ""];
  const output = (response.outputData ?? []).find(({ name }) => bindings[name].type.toLowerCase() === "http");
  const http = response.returnValue?.http ?? output?.data?.http;
  if (!http) return [{ ...outputs, status: 204, headers: [] }, ""];
  const cookies = (http.cookies ?? []).map((cookie) => ["set-cookie", cookieText(cookie)]);
  const { bytes, string } = http.body ?? {};
  const body = bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : string ?? "";
  const headers = [...Object.entries(http.headers), ...cookies];
  return [{ ...outputs, status: Number(http.statusCode), headers }, body];
}

// What outputs other than the HTTP response were set to: text, bytes in base64, or JSON.
function outputsOf(response, bindings) {
  const given = [...(response.outputData ?? [])];
  if (bindings.$return && response.returnValue) given.push({ name: "$return", data: response.returnValue });
  const outputs = {};
  for (const { name, data } of given) {
    if (!data || bindings[name].type.toLowerCase() === "http") continue;
    if (data.bytes) outputs[name] = { bytes: Buffer.from(data.bytes).toString("base64") };
    else if (data.string !== undefined) outputs[name] = { string: data.string };
    else outputs[name] = { json: data.json ?? JSON.stringify(data.int ?? data.double) };
  }
  return Object.keys(outputs).length ? { outputs } : {};
}

function cookieText({ name, value, domain, path: where, expires, secure, httpOnly, sameSite, maxAge }) {
  const parts = [`${name}=${encodeURIComponent(value)}`];
  if (expires) parts.push(`expires=${new Date(expires.value.seconds * 1000).toUTCString()}`);
  if (maxAge) parts.push(`max-age=${Math.trunc(maxAge.value)}`);
  if (domain) parts.push(`domain=${domain.value}`);
  parts.push(`path=${where?.value ?? "/"}`);
  if (secure?.value) parts.push("secure");
  const same = { lax: "lax", strict: "strict", explicitNone: "none" }[sameSite];
  if (same) parts.push(`samesite=${same}`);
  if (httpOnly?.value) parts.push("httponly");
  return parts.join("; ");
}

function leave(what) {
  return (error) => {
    writeLog("error", `Worker ${what}: ${error?.stack ?? error}`);
    process.exit(1);
  };
}

process.on("uncaughtException", leave("uncaught exception"));
process.on("unhandledRejection", leave("unhandled rejection"));
const send = channel.open(async (head, body) => {
  if (head.context.index) {
    send({ kind: "result", id: head.id, head: {} }, JSON.stringify(describe()));
    return;
  }
  try {
    const [answer, payload] = await invoke(head, body);
    send({ kind: "result", id: head.id, head: answer }, payload);
  } catch (error) {
    const told = report(error);
    send({ kind: "error", id: head.id, error_type: told.errorType }, JSON.stringify(told));
  }
});
loadApp(process.cwd()).then(
  () => send({ kind: "ready" }),
  async (error) => {
    const told = report(error);
    await send({ kind: "init_error", error_type: told.errorType }, JSON.stringify(told));
    process.exit(1);
  },
);
