// Clients of a project: pages (over WebChannel and REST) or Node (over gRPC), each a user's or nobody's.
import { initializeApp } from "firebase/app";

const { FOGBANK_HOST, FOGBANK_PROJECT, FOGBANK_BUILD, FOGBANK_LONG_POLLING } = process.env;
const [host, port] = FOGBANK_HOST.split(":");
let number = 0;
if (FOGBANK_BUILD === "page") await import("./page.mjs");
const build = FOGBANK_BUILD === "page" ? "./node_modules/@firebase/firestore/dist/index.esm.js" : "firebase/firestore";

export const fs = await import(build);

// A client; `uid` null for nobody.
export function connect(uid, project = FOGBANK_PROJECT, claims = {}) {
  const app = initializeApp({ projectId: project, apiKey: "none" }, `app-${++number}`);
  const db = fs.initializeFirestore(app, { experimentalForceLongPolling: Boolean(FOGBANK_LONG_POLLING) });
  const options = uid === null ? {} : { mockUserToken: { sub: uid, ...claims } };
  fs.connectFirestoreEmulator(db, host, Number(port), options);
  return db;
}

// Has rules hold for a project of its own, which it returns.
export async function guarded(rules) {
  const project = `${FOGBANK_PROJECT}-${++number}`;
  const text = `rules_version = '2';
    service cloud.firestore { match /databases/{database}/documents { ${rules} } }`;
  const options = { method: "PUT", body: JSON.stringify({ rules: { files: [{ content: text }] } }) };
  const answer = await fetch(`http://${FOGBANK_HOST}/emulator/v1/projects/${project}:securityRules`, options);
  if (!answer.ok) throw new Error(await answer.text());
  return project;
}

// The snapshots of a listener, one after another; an error is one, too.
export function listen(watched, options = {}) {
  const got = [];
  const waiting = [];
  const take = (each) => (waiting.length ? waiting.shift()(each) : got.push(each));
  const stop = fs.onSnapshot(watched, options, take, take);
  const next = () => (got.length ? Promise.resolve(got.shift()) : new Promise((resolve) => waiting.push(resolve)));
  // The next that is as it is on the server.
  const settled = async () => {
    for (;;) {
      const snapshot = await next();
      if (!snapshot.metadata || !(snapshot.metadata.fromCache || snapshot.metadata.hasPendingWrites)) return snapshot;
    }
  };
  return { next, settled, stop };
}
