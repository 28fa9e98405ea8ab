// Google Cloud Logging through Google's own client for Node.js, over gRPC.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { Logging } from "@google-cloud/logging";

const { credentials } = createRequire(import.meta.resolve("@google-cloud/logging"))("google-gax").grpc;
const [host, port] = process.env.FOGBANK_HOST.split(":");
const logging = new Logging({
  projectId: process.env.FOGBANK_PROJECT,
  servicePath: host,
  port: Number(port),
  sslCreds: credentials.createInsecure(),
});
// A stream that is tailed has no way to be cancelled.
after(() => setTimeout(() => process.exit(), 200));
const resource = { type: "global" };

test("entries are written, listed and found", async () => {
  const log = logging.log("from-node");
  await log.write([
    log.entry({ resource, severity: "WARNING", labels: { a: "b" } }, "plain"),
    log.entry({ resource, severity: "ERROR" }, { message: "structured", count: 3 }),
  ]);
  const [entries] = await log.getEntries({ filter: 'timestamp>="2000-01-01"', orderBy: "timestamp asc" });
  // The client's entry about itself, which it adds once, is the last.
  assert.deepEqual(entries.slice(0, 2).map((entry) => entry.data), ["plain", { message: "structured", count: 3 }]);
  assert.deepEqual(entries[0].metadata.labels, { a: "b" });
  const [errors] = await logging.getEntries({ filter: "severity>=ERROR jsonPayload.count=3 timestamp>2000-01-01" });
  assert.equal(errors.length, 1);
});

test("entries are tailed", async () => {
  const log = logging.log("tailed");
  const stream = logging.tailEntries({ filter: 'log_id("tailed")', bufferWindow: { seconds: 0 } });
  const first = new Promise((resolve, reject) => stream.on("data", resolve).on("error", reject));
  const writing = setInterval(() => log.write(log.entry({ resource }, "now")).catch(() => {}), 50);
  const response = await first;
  clearInterval(writing);
  stream.destroy();
  assert.equal(response.entries[0].data, "now");
});

test("logs are listed and deleted, and errors have Google's codes", async () => {
  const log = logging.log("short");
  await log.write(log.entry({ resource }, "x"));
  await log.delete();
  const [logs] = await logging.getLogs();
  assert.ok(!logs.some((each) => each.name === "short"));
  await assert.rejects(logging.getEntries({ filter: "a:b:c" }), { code: 3 });
  await assert.rejects(logging.createSink("mine", { destination: "pubsub.googleapis.com/x" }), { code: 12 });
});
