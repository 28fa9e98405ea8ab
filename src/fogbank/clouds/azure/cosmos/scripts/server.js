// What scripts find around them: the server-side API of Azure Cosmos DB for NoSQL, as
// https://azure.github.io/azure-cosmosdb-js-server/ has it. Nothing here reaches out of the script's world: what a
// script asks for is queued, and the server answers it once the script has nothing else to do.
((settingsText) => {
  "use strict";
  const { parse, stringify } = JSON;
  const settings = parse(settingsText);
  const queue = [];
  const callbacks = new Map();
  let number = 0;
  let accepting = true;
  let thrown;
  let log = "";

  const ErrorCodes = Object.freeze({
    BadRequest: 400, Forbidden: 403, NotFound: 404, Conflict: 409, PreconditionFailed: 412,
    RequestEntityTooLarge: 413, RetryWith: 449, InternalServerError: 500,
  });

  const unsupported = (what) => () => {
    throw new Error(`Fogbank does not support ${what}.`);
  };

  function describe(error) {
    if (error instanceof Error) {
      return { text: `${error.name}: ${error.message}`, stack: String(error.stack || ""), number: error.number };
    }
    const text = typeof error === "object" && error !== null ? stringify(error) : String(error);
    return { text, stack: "", number: error && error.number };
  }

  // Returns what was thrown, "" if nothing was.
  function guarded(run) {
    try {
      run();
    } catch (error) {
      return stringify(describe(error));
    }
    return "";
  }

  function ask(kind, fields, callback) {
    if (!accepting || queue.length >= settings.queueMax) return false;
    number += 1;
    callbacks.set(number, callback);
    queue.push({ number, kind, ...fields });
    return true;
  }

  // The last two arguments of an operation are optional.
  function optional(options, callback) {
    return typeof options === "function" ? [{}, options] : [options || {}, callback];
  }

  function checked(value, what) {
    if (typeof value !== "string") throw new TypeError(`${what} must be a string.`);
    return value;
  }

  function body(value) {
    if (typeof value === "string") return parse(value);
    if (typeof value !== "object" || value === null) throw new TypeError("The document must be an object.");
    return value;
  }

  const write = (kind) => (link, value, options, callback) => {
    const [settled, done] = optional(options, callback);
    return ask(kind, { link: checked(link, "The link"), body: body(value), options: settled }, done);
  };
  const visit = (kind) => (link, options, callback) => {
    const [settled, done] = optional(options, callback);
    return ask(kind, { link: checked(link, "The link"), options: settled }, done);
  };

  class Chain {
    constructor(steps) {
      this.steps = steps;
    }

    filter(wanted, options, callback) {
      return this.with((items) => items.filter((item) => wanted(item)), options, callback);
    }

    map(change, options, callback) {
      return this.with((items) => items.map((item) => change(item)), options, callback);
    }

    pluck(name, options, callback) {
      const found = (items) => items.map((item) => item[name]).filter((value) => value !== undefined);
      return this.with(found, options, callback);
    }

    flatten(shallow, options, callback) {
      const given = typeof shallow === "boolean" ? [options, callback] : [shallow, options];
      const depth = shallow === true ? 1 : Infinity;
      return this.with((items) => items.flat(depth), ...given);
    }

    sortBy(key, options, callback) {
      return this.with((items) => sorted(items, key, 1), options, callback);
    }

    sortByDescending(key, options, callback) {
      return this.with((items) => sorted(items, key, -1), options, callback);
    }

    unwind(inner, ...rest) {
      const pair = this.closes(rest) ? (item, each) => [item, each] : rest.shift();
      const members = typeof inner === "function" ? inner : (item) => item[inner];
      return this.with((items) => items.flatMap((item) => (members(item) || []).map((each) => pair(item, each))), ...rest);
    }

    // Whether these are no more than options and a callback, which unwind's own function may stand before.
    closes(rest) {
      return typeof rest[0] !== "function" || rest.length === 1;
    }
  }

  // A chain that was begun with chain() goes on; one without is over at once.
  class OpenChain extends Chain {
    with(step) {
      return new OpenChain([...this.steps, step]);
    }

    closes(rest) {
      return typeof rest[0] !== "function";
    }

    value(options, callback) {
      return evaluate(this.steps, options, callback);
    }
  }

  function sorted(items, key, sign) {
    const keyed = items.map((item) => [key(item), item]);
    keyed.sort(([left], [right]) => sign * (Number(left > right) - Number(left < right)));
    return keyed.map(([, item]) => item);
  }

  function evaluate(steps, options, callback) {
    const [settled, done] = optional(options, callback);
    const size = settled.pageSize > 0 ? settled.pageSize : Infinity;
    const start = Number(settled.continuation || 0);
    const fields = { link: selfLink, query: "SELECT * FROM root r", options: { pageSize: -1 } };
    const isAccepted = ask("queryDocuments", fields, (error, items, answered) => {
      if (error) {
        if (!done) throw failure(error);
        done(error);
        return;
      }
      const found = steps.reduce((left, step) => step(left), items);
      const page = found.slice(start, start + size);
      const rest = { ...answered };
      if (start + size < found.length) rest.continuation = String(start + size);
      if (done) done(undefined, page, rest);
      else response.setBody(page);
    });
    return { isAccepted };
  }

  const selfLink = settings.selfLink;
  const altLink = settings.altLink;
  const collection = new (class Collection extends Chain {
    with(step, options, callback) {
      return evaluate([step], options, callback);
    }
  })([]);
  Object.assign(collection, {
    chain: () => new OpenChain([]),
    value: undefined,
    getSelfLink: () => selfLink,
    getAltLink: () => altLink,
    createDocument: write("createDocument"),
    upsertDocument: write("upsertDocument"),
    replaceDocument: write("replaceDocument"),
    readDocument: visit("readDocument"),
    deleteDocument: visit("deleteDocument"),
    readDocuments: (link, options, callback) => collection.queryDocuments(link, "SELECT * FROM root r", options, callback),
    queryDocuments(link, query, options, callback) {
      const [settled, done] = optional(options, callback);
      return ask("queryDocuments", { link: checked(link, "The link"), query, options: settled }, done);
    },
  });
  for (const name of ["createAttachment", "readAttachment", "readAttachments", "queryAttachments",
    "replaceAttachment", "upsertAttachment", "deleteAttachment"]) {
    collection[name] = unsupported("attachments");
  }

  function failure(error) {
    const made = new Error(error.body);
    made.number = error.number;
    return made;
  }

  class Message {
    constructor({ body: given, values, operationType }) {
      Object.assign(this, {
        getBody: () => given,
        setBody: (value) => {
          given = value;
        },
        getValue: (name) => values[name],
        setValue: (name, value) => {
          values[name] = value;
        },
        appendValue: (name, value) => {
          values[name] = values[name] === undefined ? value : values[name] + value;
        },
        appendBody: (value) => {
          given = typeof given === "string" && typeof value === "string" ? given + value : [].concat(given || [], value);
        },
        getOperationType: () => operationType,
      });
    }
  }

  const request = settings.request && new Message(settings.request);
  const response = settings.response && new Message(settings.response);
  const context = Object.freeze({
    getCollection: () => collection,
    getRequest: () => request || unsupported("getRequest() in this kind of script")(),
    getResponse: () => response || unsupported("getResponse() in this kind of script")(),
    abort: (error) => {
      throw error;
    },
  });
  Object.assign(collection, { request, response });
  Object.assign(globalThis, {
    ErrorCodes,
    __: collection,
    getContext: () => context,
    console: {
      log(...values) {
        if (!settings.logging || log.length >= settings.logMax) return;
        const text = values.map((value) => (typeof value === "string" ? value : stringify(value))).join(" ");
        log = (log === "" ? text : `${log}\n${text}`).slice(0, settings.logMax);
      },
    },
  });
  const api = {
    start: (run, argumentsText) => guarded(() => {
      if (typeof run !== "function") throw new TypeError("The script is not a function.");
      const waited = run(...parse(argumentsText));
      if (waited && typeof waited.then === "function") {
        waited.then(undefined, (error) => {
          thrown = thrown || { error };
        });
      }
    }),
    answer: (text) => guarded(() => {
      const given = parse(text);
      accepting = given.accepting;
      for (const { number: asked, error, value, options } of given.answers) {
        const callback = callbacks.get(asked);
        callbacks.delete(asked);
        if (typeof callback === "function") callback(error, value, options);
        else if (error) throw failure(error);
      }
    }),
    take: () => {
      if (thrown) return stringify({ thrown: describe(thrown.error) });
      return stringify({ requests: queue.splice(0) });
    },
    finish: () => stringify({
      request: request && request.getBody(),
      response: response && response.getBody(),
      log,
    }),
  };
  return (name, ...given) => api[name](...given);
})
