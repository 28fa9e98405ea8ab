// What pages do with documents.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { connect, fs, guarded, listen } from "./clients.mjs";

const db = connect("ann");
after(() => fs.terminate(db));
const live = { includeMetadataChanges: true };

test("documents", async () => {
  const place = fs.doc(db, "cities/LA");
  const values = { name: "Los Ángeles 🌴", n: 3, list: [1, { a: null }], big: 2 ** 40, at: fs.Timestamp.fromMillis(1) };
  await fs.setDoc(place, { ...values, now: fs.serverTimestamp(), where: new fs.GeoPoint(1, 2), self: place });
  const { now, where, self, ...rest } = (await fs.getDocFromServer(place)).data();
  assert.deepEqual(rest, values);
  assert.ok(now.toMillis() > 0 && where.latitude === 1 && self.path === "cities/LA");
  await fs.updateDoc(place, { "deep.er": fs.increment(2), list: fs.arrayUnion(7), at: fs.deleteField() });
  const read = (await fs.getDocFromServer(place)).data();
  assert.deepEqual([read.deep, read.list.length, "at" in read], [{ er: 2 }, 3, false]);
  await assert.rejects(fs.updateDoc(fs.doc(db, "cities/none"), { a: 1 }), { code: "not-found" });
  await fs.deleteDoc(place);
  assert.ok(!(await fs.getDocFromServer(place)).exists());
});

test("queries", async () => {
  const rooms = fs.collection(db, "rooms");
  const batch = fs.writeBatch(db);
  for (let n = 0; n < 12; n++) batch.set(fs.doc(rooms, `r${n}`), { n, odd: n % 2 === 1, tags: [`t${n % 3}`] });
  await batch.commit();
  const ids = async (...parts) => (await fs.getDocsFromServer(fs.query(rooms, ...parts))).docs.map((each) => each.data().n);
  assert.deepEqual(await ids(fs.where("odd", "==", true), fs.orderBy("n", "desc"), fs.limit(2)), [11, 9]);
  assert.deepEqual(await ids(fs.where("tags", "array-contains", "t1"), fs.where("n", ">", 4)), [7, 10]);
  assert.deepEqual(await ids(fs.orderBy("n"), fs.startAfter(8)), [9, 10, 11]);
  assert.equal((await fs.getCountFromServer(rooms)).data().count, 12);
  const whole = await fs.getAggregateFromServer(rooms, { total: fs.sum("n"), mean: fs.average("n") });
  assert.deepEqual(whole.data(), { total: 66, mean: 5.5 });
});

test("listeners", async () => {
  const tasks = fs.collection(db, "tasks");
  const listener = listen(fs.query(tasks, fs.where("open", "==", true), fs.orderBy("n")), live);
  assert.equal((await listener.settled()).size, 0);
  const other = connect("bob");
  await fs.setDoc(fs.doc(other, "tasks/a"), { open: true, n: 2, text: "ü".repeat(5_000) });
  await fs.setDoc(fs.doc(other, "tasks/b"), { open: true, n: 1 });
  let snapshot = await listener.settled();
  while (snapshot.size < 2) snapshot = await listener.settled();
  assert.deepEqual(snapshot.docs.map((each) => each.id), ["b", "a"]);
  assert.equal(snapshot.docs[1].data().text.length, 5_000);
  await fs.updateDoc(fs.doc(other, "tasks/a"), { open: false });
  snapshot = await listener.settled();
  assert.deepEqual(snapshot.docChanges().map((each) => [each.type, each.doc.id]), [["removed", "a"]]);
  listener.stop();
  const one = listen(fs.doc(db, "tasks/b"), live);
  assert.equal((await one.settled()).data().n, 1);
  await fs.deleteDoc(fs.doc(other, "tasks/b"));
  assert.ok(!(await one.settled()).exists());
  one.stop();
  await fs.terminate(other);
});

test("transactions", async () => {
  const place = fs.doc(db, "counters/c");
  await fs.setDoc(place, { n: 0 });
  const count = () =>
    fs.runTransaction(db, async (transaction) => {
      const read = await transaction.get(place);
      transaction.update(place, { n: read.data().n + 1 });
    });
  await Promise.all([count(), count()]);
  assert.equal((await fs.getDocFromServer(place)).data().n, 2);
});

test("writes wait for the network", async () => {
  const page = connect("ann");
  const place = fs.doc(page, "offline/a");
  const listener = listen(place, live);
  await listener.settled();
  await fs.disableNetwork(page);
  let done = false;
  const written = fs.setDoc(place, { n: 1 }).then(() => (done = true));
  fs.updateDoc(place, { m: 2 });
  let snapshot = await listener.next();
  while (!snapshot.exists() || !("m" in snapshot.data())) snapshot = await listener.next();
  assert.ok(snapshot.metadata.hasPendingWrites && !done);
  assert.ok(!(await fs.getDocFromServer(fs.doc(db, "offline/a"))).exists());
  await fs.enableNetwork(page);
  await written;
  await fs.waitForPendingWrites(page);
  assert.deepEqual((await fs.getDocFromServer(fs.doc(db, "offline/a"))).data(), { n: 1, m: 2 });
  snapshot = await listener.settled();
  while (!snapshot.exists()) snapshot = await listener.settled();
  assert.deepEqual(snapshot.data(), { n: 1, m: 2 });
  listener.stop();
  await fs.terminate(page);
});

test("rules", async () => {
  const project = await guarded(`
    match /users/{user} { allow get, write: if request.auth.uid == user && request.auth.token.sub == user; }
    match /posts/{post} { allow read: if resource.data.open == true; allow write: if request.auth != null; }`);
  const [ann, nobody] = [connect("ann", project), connect(null, project)];
  const denied = { code: "permission-denied" };
  await fs.setDoc(fs.doc(ann, "users/ann"), { n: 1 });
  assert.equal((await fs.getDocFromServer(fs.doc(ann, "users/ann"))).data().n, 1);
  await assert.rejects(fs.getDocFromServer(fs.doc(nobody, "users/ann")), denied);
  await assert.rejects(fs.setDoc(fs.doc(ann, "users/bob"), { n: 1 }), denied);
  await assert.rejects(fs.setDoc(fs.doc(nobody, "users/ann"), { n: 1 }), denied);
  await assert.rejects(fs.getDocsFromServer(fs.collection(ann, "users")), denied);
  await fs.setDoc(fs.doc(ann, "posts/1"), { open: true });
  const posts = (...parts) => fs.query(fs.collection(nobody, "posts"), ...parts);
  assert.equal((await fs.getDocsFromServer(posts(fs.where("open", "==", true)))).size, 1);
  await assert.rejects(fs.getDocsFromServer(posts()), denied);
  assert.equal((await listen(posts(), live).settled()).code, "permission-denied");
  // A document that may not be seen any more.
  const listener = listen(fs.doc(nobody, "posts/1"), live);
  assert.ok((await listener.settled()).exists());
  await fs.setDoc(fs.doc(ann, "posts/1"), { open: false });
  assert.equal((await listener.settled()).code, "permission-denied");
  const moved = fs.runTransaction(ann, async (transaction) => {
    await transaction.get(fs.doc(ann, "users/ann"));
    transaction.set(fs.doc(ann, "users/bob"), {});
  });
  await assert.rejects(moved, denied);
  await Promise.all([ann, nobody].map((each) => fs.terminate(each)));
});

// Loads a bundle into a page; returns what came of it, and the page.
async function load(bundle) {
  const page = connect(null);
  const { taskState, documentsLoaded } = await fs.loadBundle(page, bundle);
  assert.equal(taskState, "Success");
  return { page, documentsLoaded };
}

test("bundles of the server's client for Node.js", async (context) => {
  const require = createRequire(new URL("../../js/package.json", import.meta.url));
  const { Firestore } = await import(require.resolve("@google-cloud/firestore")).catch(() => ({}));
  if (!Firestore) return context.skip("needs the packages of tests/conformance/gcp/js");
  const server = new Firestore({ projectId: process.env.FOGBANK_PROJECT });
  await server.doc("notes/a").set({ n: 1, open: false });
  await server.doc("notes/b").set({ n: 2, open: true });
  const open = await server.collection("notes").where("open", "==", true).get();
  const made = server.bundle("latest").add("open", open).add(await server.doc("notes/a").get());
  const { page, documentsLoaded } = await load(made.build());
  assert.equal(documentsLoaded, 2);
  const found = await fs.getDocsFromCache(await fs.namedQuery(page, "open"));
  assert.deepEqual(found.docs.map((each) => [each.id, each.data().n]), [["b", 2]]);
  assert.equal((await fs.getDocFromCache(fs.doc(page, "notes/a"))).data().n, 1);
  await Promise.all([server.terminate(), fs.terminate(page)]);
});

test("bundles of the server's client for Python", { skip: !process.env.FOGBANK_BUNDLE }, async () => {
  const { page, documentsLoaded } = await load(await readFile(process.env.FOGBANK_BUNDLE));
  assert.equal(documentsLoaded, 2);
  assert.equal((await fs.getDocFromCache(fs.doc(page, "notes/y"))).data().n, 4);
  await fs.terminate(page);
});
