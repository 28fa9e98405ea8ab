const functions = require("@google-cloud/functions-framework");

functions.http("echo", (request, response) => {
  if (request.query.fail) throw new TypeError("told to fail");
  if (request.query.exit) process.exit(7);
  response.cookie("a", "1");
  response.append("Set-Cookie", "b=2");
  response.status(Number(request.query.status ?? 200)).json({
    method: request.method, path: request.path, query: request.query, body: request.rawBody?.toString() ?? null,
    parsed: request.body, headers: request.headers, ip: request.ip, environment: process.env, folder: process.cwd(),
    argv: process.argv, user: process.getuid(),
  });
});

functions.http("logs", (request, response) => {
  console.log("on stdout");
  console.log(JSON.stringify({ severity: "WARNING", message: "careful" }));
  console.error("on stderr");
  response.send("logged");
});

let running = 0;
let most = 0;
functions.http("busy", async (request, response) => {
  most = Math.max(most, ++running);
  await new Promise((done) => setTimeout(done, 300));
  running--;
  response.send({ most });
});

functions.http("large", (request, response) => response.type("application/octet-stream").send(request.rawBody));

functions.http("parts", (request, response) => {
  response.writeHead(201, { "X-Kind": "parts" });
  response.write("one,");
  setTimeout(() => response.end("two"), 10);
});

functions.http("slow", () => {});

functions.cloudEvent("cloudEvent", (event) => {
  console.log(`got ${event.type} ${event.data.word}`);
});
