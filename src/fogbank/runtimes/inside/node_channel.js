// The instance's end of the connection to the server (see channel.py), for workers in Node.js.
"use strict";

const net = require("node:net");

const CHANNEL = 3;
const LENGTHS = 8;

function encode(head, body) {
  const encoded = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.alloc(LENGTHS);
  lengths.writeUInt32BE(encoded.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  return Buffer.concat([lengths, encoded, body]);
}

// Opens the channel; `take` gets the head and the body of every invocation. Returns what sends a message.
function open(take) {
  const socket = new net.Socket({ fd: CHANNEL, readable: true, writable: true });
  let parts = [];
  let held = 0;
  let wanted = LENGTHS;
  socket.on("data", (data) => {
    parts.push(data);
    held += data.length;
    // A large message comes in many parts: they are put together once, when it is complete.
    while (held >= wanted) {
      const buffer = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      const end = LENGTHS + buffer.readUInt32BE(0);
      const next = end + buffer.readUInt32BE(4);
      parts = [buffer];
      wanted = next;
      if (held < next) return;
      const head = JSON.parse(buffer.subarray(LENGTHS, end));
      parts = [buffer.subarray(next)];
      held -= next;
      wanted = LENGTHS;
      if (head.kind === "invoke") take(head, buffer.subarray(end, next));
    }
  });
  socket.on("close", () => process.exit(0));
  socket.on("error", () => process.exit(0));
  return (head, body) =>
    new Promise((done) => socket.write(encode(head, Buffer.isBuffer(body) ? body : Buffer.from(body ?? "")), done));
}

module.exports = { open };
