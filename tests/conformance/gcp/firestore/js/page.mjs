// What pages have and Node hasn't: XMLHttpRequest, on fetch; requests have an origin.
globalThis.self = globalThis;
const ORIGIN = "http://page.example";
const usual = globalThis.fetch;
globalThis.fetch = async (resource, options) => {
  const request = new Request(resource, options);
  request.headers.set("Origin", ORIGIN);
  const answer = await usual(request);
  // A browser wouldn't let the page see it.
  if (answer.headers.get("access-control-allow-origin") !== ORIGIN) throw new TypeError(`${request.url}: no CORS`);
  return answer;
};
globalThis.XMLHttpRequest = class {
  readyState = 0;
  status = 0;
  statusText = "";
  responseText = "";
  response = "";
  responseType = "";
  #headers = [];
  #abort = new AbortController();

  open(method, url) {
    Object.assign(this, { method, url, readyState: 1 });
  }

  setRequestHeader(name, value) {
    this.#headers.push([name, value]);
  }

  getResponseHeader(name) {
    return this.answer?.headers.get(name) ?? null;
  }

  getAllResponseHeaders() {
    return [...(this.answer?.headers ?? [])].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  }

  #tell(state) {
    this.readyState = state;
    this.onreadystatechange?.();
  }

  async send(body) {
    try {
      const { method, url } = this;
      const options = { method, headers: this.#headers, body: body || undefined, signal: this.#abort.signal };
      this.answer = await fetch(url, options);
      Object.assign(this, { status: this.answer.status, statusText: this.answer.statusText });
      this.#tell(2);
      const reader = this.answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.responseText += value;
        this.response = this.responseText;
        this.#tell(3);
      }
    } catch {
      this.status = 0;
    }
    this.#tell(4);
  }

  abort() {
    this.#abort.abort();
  }
};
