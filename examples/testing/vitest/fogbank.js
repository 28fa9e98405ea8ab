// Runs `fogbank up` for as long as the tests take: on a free port, in memory, ready when it says so.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts a server; returns its URL and what ends it. */
export async function startFogbank(...flags) {
  const server = spawn("fogbank", ["up", "--port", "0", "--memory", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const failed = new Promise((_, reject) => {
    server.once("error", reject);
    server.once("exit", (status) => reject(new Error(`fogbank up ended with status ${status}`)));
  });
  failed.catch(() => {});
  const ready = new Promise((resolve) => {
    let url;
    // All that it prints is read, so that it never has to wait for a reader.
    createInterface({ input: server.stdout }).on("line", (line) => {
      url = line.match(/^\s+Endpoint\s+(\S+)/)?.[1] ?? url;
      if (line === "Ready.") resolve(url);
    });
  });
  const url = await Promise.race([ready, failed]);
  const stop = () =>
    new Promise((resolve) => {
      server.once("exit", resolve);
      server.kill("SIGTERM");
    });
  return { url, stop };
}
