// Loads and tries out, before it is known which function comes, what the fetch API's requests and responses are made of:
// Node.js has it in itself, but takes tens of milliseconds when it is first asked for.
"use strict";

const TURNS = 3;

module.exports = (async () => {
  for (let turn = 0; turn < TURNS; turn++) {
    const headers = new Headers([["content-type", "text/plain"]]);
    const request = new Request("http://localhost/a?b=c", { method: "POST", body: Buffer.from("sample"), headers });
    new URL(request.url).searchParams.get("b");
    [...request.headers.entries()];
    await request.text();
    new Request("http://localhost/", { method: "GET", headers: { a: "b" } });
    await new Response("sample", { status: 200, headers }).arrayBuffer();
    await new Response(JSON.stringify({ a: 1 }), { headers: new Headers() }).arrayBuffer();
  }
})();
