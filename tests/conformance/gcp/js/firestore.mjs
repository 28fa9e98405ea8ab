// Google Firestore through its client for Node.js.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FieldValue, Filter, Firestore } from "@google-cloud/firestore";

const db = new Firestore({ projectId: process.env.FOGBANK_PROJECT });
after(() => db.terminate());

// The snapshots of a listener, one after another.
function listen(watched) {
  const got = [];
  const waiting = [];
  const stop = watched.onSnapshot(
    (snapshot) => (waiting.length ? waiting.shift().resolve(snapshot) : got.push(snapshot)),
    (error) => waiting.forEach(({ reject }) => reject(error)),
  );
  const next = () => (got.length ? Promise.resolve(got.shift()) : new Promise((resolve, reject) => waiting.push({ resolve, reject })));
  return { next, stop };
}

test("documents, merges and transforms", async () => {
  const document = db.doc("cities/LA");
  const values = { name: "Los Angeles", n: 3, list: [1, { a: null }], at: new Date(1_700_000_000_000), big: 2 ** 40 };
  await document.create(values);
  await assert.rejects(document.create({}), /ALREADY_EXISTS: Document already exists/);
  const read = await document.get();
  assert.deepEqual({ ...read.data(), at: read.get("at").toDate() }, values);
  await document.set({ n: FieldValue.increment(2), list: FieldValue.arrayUnion(1, 7) }, { merge: true });
  await document.update({ "deep.er": true, at: FieldValue.delete() });
  const { big, ...rest } = (await document.get()).data();
  assert.deepEqual(rest, { name: "Los Angeles", n: 5, list: [1, { a: null }, 7], deep: { er: true } });
  await assert.rejects(db.doc("cities/none").update({ a: 1 }), /NOT_FOUND: No document to update/);
});

test("queries, counts and bulk writes", async () => {
  const rooms = db.collection("rooms");
  const writer = db.bulkWriter();
  for (let n = 0; n < 20; n++) writer.create(rooms.doc(String(n).padStart(2, "0")), { n, odd: n % 2 === 1 });
  await writer.close();
  const found = await rooms.where("odd", "==", true).where("n", ">", 12).orderBy("n", "desc").get();
  assert.deepEqual(found.docs.map((each) => each.id), ["19", "17", "15", "13"]);
  const either = await rooms.where(Filter.or(Filter.where("n", "==", 2), Filter.where("n", ">=", 18))).get();
  assert.deepEqual(either.docs.map((each) => each.id), ["02", "18", "19"]);
  assert.equal((await rooms.where("odd", "==", false).count().get()).data().count, 10);
  assert.deepEqual((await rooms.orderBy("n").limitToLast(2).get()).docs.map((each) => each.get("n")), [18, 19]);
  await db.recursiveDelete(rooms);
  assert.equal((await rooms.get()).size, 0);
});

test("transactions", async () => {
  const document = db.doc("counters/one");
  await document.set({ n: 0 });
  const add = () =>
    db.runTransaction(async (transaction) => {
      const { n } = (await transaction.get(document)).data();
      transaction.update(document, { n: n + 1 });
    }, { maxAttempts: 20 });
  await Promise.all([add(), add(), add()]);
  assert.equal((await document.get()).get("n"), 3);
  const seen = await db.runTransaction((transaction) => transaction.get(document), { readOnly: true });
  assert.equal(seen.get("n"), 3);
});

test("listeners", async () => {
  const scores = db.collection("scores");
  await scores.doc("a").set({ points: 1 });
  const documents = listen(scores.doc("b"));
  const queries = listen(scores.where("points", ">", 0).orderBy("points", "desc"));
  assert.equal((await documents.next()).exists, false);
  assert.deepEqual((await queries.next()).docs.map((each) => each.id), ["a"]);
  await scores.doc("b").set({ points: 5 });
  assert.equal((await documents.next()).get("points"), 5);
  assert.deepEqual((await queries.next()).docs.map((each) => each.id), ["b", "a"]);
  await scores.doc("a").update({ points: 0 });
  const changes = (await queries.next()).docChanges();
  assert.deepEqual(changes.map(({ type, doc }) => [type, doc.id]), [["removed", "a"]]);
  documents.stop();
  queries.stop();
});
