// Has Node's own HTTPS clients heed HTTPS_PROXY and NO_PROXY, which they do by themselves from version 22.21 on.
// Agents that have ways of their own, such as those for proxies, are left alone.
"use strict";

const major = Number(process.versions.node.split(".")[0]);
const address = process.env.HTTPS_PROXY || process.env.https_proxy;

if (major < 22 && address) {
  const http = require("http");
  const https = require("https");
  const tls = require("tls");
  const proxy = new URL(address);
  const direct = (process.env.NO_PROXY || "").split(",").filter(Boolean);
  const connect = https.Agent.prototype.createConnection;

  const isDirect = (host) => direct.some((each) => host === each || (each.startsWith(".") && host.endsWith(each)));

  https.Agent.prototype.createConnection = function createConnection(options, callback) {
    const host = options.host || "localhost";
    if (options.socketPath || !callback || isDirect(host)) return connect.call(this, options, callback);
    const target = `${host}:${options.port || 443}`;
    const request = http.request({
      host: proxy.hostname, port: proxy.port, method: "CONNECT", path: target, headers: { host: target }, agent: false,
    });
    request.once("connect", (response, socket) => {
      if (response.statusCode === 200) {
        callback(null, tls.connect({ ...options, socket, servername: options.servername || host }));
      } else {
        socket.destroy();
        callback(new Error(`The proxy refuses a tunnel to ${target}: ${response.statusCode}`));
      }
    });
    request.once("error", callback);
    request.end();
    return undefined;
  };
}
