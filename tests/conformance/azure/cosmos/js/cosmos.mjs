// Cosmos DB through Microsoft's client for JavaScript, which asks for a plan before each query over partitions.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { BulkOperationType, CosmosClient } from "@azure/cosmos";

const client = new CosmosClient({ endpoint: process.env.ENDPOINT, key: process.env.KEY });
const { database } = await client.databases.createIfNotExists({ id: process.env.DATABASE });
const { container } = await database.containers.createIfNotExists({ id: "c", partitionKey: { paths: ["/pk"] } });
const { items } = container;
const ask = async (query, options) => (await items.query(query, options).fetchAll()).resources;
after(() => client.dispose());

test("items are made, read, changed and deleted", async () => {
  const { resource, etag } = await items.create({ id: "one", pk: "a", n: 1 });
  assert.equal(resource.n, 1);
  assert.equal(etag, resource._etag);
  await assert.rejects(items.create({ id: "one", pk: "a" }), { code: 409 });
  const item = container.item("one", "a");
  assert.equal((await item.read()).resource._rid, resource._rid);
  await item.replace({ id: "one", pk: "a", n: 2 });
  await assert.rejects(
    item.replace({ id: "one", pk: "a" }, { accessCondition: { type: "IfMatch", condition: etag } }), { code: 412 },
  );
  const patched = await item.patch({ condition: "from c where c.n = 2", operations: [{ op: "incr", path: "/n", value: 3 }] });
  assert.equal(patched.resource.n, 5);
  assert.equal((await item.patch([{ op: "incr", path: "/n", value: 3 }])).resource.n, 8);
  assert.equal((await items.upsert({ id: "one", pk: "a", n: 6 })).statusCode, 200);
  await item.delete();
  assert.equal((await item.read()).statusCode, 404);
});

test("queries over all partitions come complete and in order", async () => {
  for (const n of [3, 1, 4, 2, 5]) await items.upsert({ id: `q${n}`, pk: `p${n % 2}`, n, kind: "query" });
  const where = "c.kind = 'query'";
  assert.deepEqual(await ask(`SELECT VALUE c.n FROM c WHERE ${where} ORDER BY c.n DESC`, { maxItemCount: 2 }), [5, 4, 3, 2, 1]);
  assert.deepEqual(await ask(`SELECT VALUE SUM(c.n) FROM c WHERE ${where}`), [15]);
  assert.deepEqual(await ask(`SELECT c.pk, COUNT(1) AS k FROM c WHERE ${where} GROUP BY c.pk`), [
    { pk: "p0", k: 2 }, { pk: "p1", k: 3 },
  ]);
  assert.deepEqual(await ask(`SELECT DISTINCT VALUE c.pk FROM c WHERE ${where}`), ["p0", "p1"]);
  assert.deepEqual(await ask(`SELECT VALUE c.n FROM c WHERE ${where} ORDER BY c.n OFFSET 1 LIMIT 2`), [2, 3]);
  assert.deepEqual(await ask(`SELECT TOP 2 VALUE c.n FROM c WHERE ${where} ORDER BY c.n`), [1, 2]);
  const parameters = [{ name: "@n", value: 4 }];
  assert.deepEqual(await ask({ query: "SELECT VALUE c.id FROM c WHERE c.n = @n AND c.kind = 'query'", parameters }), ["q4"]);
  assert.deepEqual(await ask(`SELECT VALUE c.n FROM c WHERE ${where}`, { partitionKey: "p0" }), [2, 4]);
  assert.equal((await items.readAll().fetchAll()).resources.length, 5);
  await assert.rejects(ask("SELECT * FORM c"), { code: 400 });
});

test("metrics come with a page", async () => {
  const query = items.query("SELECT * FROM c WHERE c.n = 3", { partitionKey: "p1", populateQueryMetrics: true, populateIndexMetrics: true });
  const page = await query.fetchNext();
  assert.deepEqual(JSON.parse(page.indexMetrics).Utilized.SingleIndexes.map((each) => each.IndexSpec), ["/n/?"]);
  assert.match(JSON.stringify(page.queryMetrics), /"outputDocumentCount":1/);
});

test("bulk operations succeed and fail each for itself", async () => {
  const body = (id, pk) => ({ id, pk });
  const results = await items.executeBulkOperations([
    { operationType: BulkOperationType.Create, partitionKey: "x", resourceBody: body("b1", "x") },
    { operationType: BulkOperationType.Create, partitionKey: "y", resourceBody: body("b1", "y") },
    { operationType: BulkOperationType.Upsert, partitionKey: "x", resourceBody: body("b2", "x") },
    { operationType: BulkOperationType.Read, partitionKey: "x", id: "none" },
  ]);
  assert.deepEqual(results.map((each) => each.response?.statusCode ?? each.error.code), [201, 201, 201, 404]);
});

test("a transactional batch is done as a whole or not at all", async () => {
  const good = await items.batch([{ operationType: "Create", resourceBody: { id: "t1", pk: "t" } }], "t");
  assert.equal(good.code, 200);
  const bad = await items.batch([
    { operationType: "Create", resourceBody: { id: "t2", pk: "t" } },
    { operationType: "Create", resourceBody: { id: "t1", pk: "t" } },
  ], "t");
  assert.equal(bad.code, 207);
  assert.deepEqual(bad.result.map((each) => each.statusCode), [424, 409]);
});

test("the change feed is read to its end", async () => {
  const { container: fed } = await database.containers.createIfNotExists({ id: "fed", partitionKey: { paths: ["/pk"] } });
  for (const n of [1, 2, 3]) await fed.items.create({ id: `f${n}`, pk: `p${n}` });
  const found = [];
  const { ChangeFeedStartFrom } = await import("@azure/cosmos");
  const feed = fed.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning(), maxItemCount: 2 });
  while (feed.hasMoreResults) {
    const page = await feed.readNext();
    if (page.statusCode === 304) break;
    found.push(...page.result.map((each) => each.id));
  }
  assert.deepEqual(found, ["f1", "f2", "f3"]);
});

test("scripts are made, run and named", async () => {
  const { storedProcedures, triggers, userDefinedFunctions } = container.scripts;
  await storedProcedures.create({
    id: "make",
    body: function make(items) {
      const c = getContext().getCollection();
      console.log("making", items.length);
      for (const item of items) c.createDocument(c.getSelfLink(), item);
      getContext().getResponse().setBody({ made: items.length });
    },
  });
  const made = await container.scripts.storedProcedure("make").execute(
    "scripted", [[{ id: "s1", pk: "scripted", n: 1 }, { id: "s2", pk: "scripted", n: 2 }]], { enableScriptLogging: true },
  );
  assert.deepEqual(made.resource, { made: 2 });
  assert.equal(decodeURIComponent(made.headers["x-ms-documentdb-script-log-results"]), "making 2");
  await triggers.create({
    id: "stamp", triggerType: "Pre", triggerOperation: "All",
    body: function stamp() {
      const request = getContext().getRequest();
      request.setBody({ ...request.getBody(), stamped: true });
    },
  });
  const stamped = await items.create({ id: "s3", pk: "scripted", n: 3 }, { preTriggerInclude: "stamp" });
  assert.equal(stamped.resource.stamped, true);
  await userDefinedFunctions.create({ id: "double", body: (n) => n * 2 });
  assert.deepEqual(
    await ask("SELECT VALUE udf.double(c.n) FROM c WHERE c.pk = 'scripted' ORDER BY c.n"), [2, 4, 6],
  );
  assert.equal((await storedProcedures.readAll().fetchAll()).resources.length, 1);
  await assert.rejects(container.scripts.storedProcedure("none").execute("scripted"), { code: 404 });
});

test("what is most similar comes first", async () => {
  const { container: vectors } = await database.containers.createIfNotExists({
    id: "vectors",
    partitionKey: { paths: ["/pk"] },
    vectorEmbeddingPolicy: {
      vectorEmbeddings: [{ path: "/v", dataType: "float32", dimensions: 2, distanceFunction: "euclidean" }],
    },
    indexingPolicy: { includedPaths: [{ path: "/*" }], vectorIndexes: [{ path: "/v", type: "quantizedFlat" }] },
  });
  for (const n of [3, 1, 2]) await vectors.items.create({ id: `v${n}`, pk: `p${n}`, v: [n, 0], text: `${n} bears` });
  const query = {
    query: "SELECT TOP 2 c.id, VectorDistance(c.v, @q) AS d FROM c ORDER BY VectorDistance(c.v, @q)",
    parameters: [{ name: "@q", value: [0, 0] }],
  };
  const found = (await vectors.items.query(query, { maxItemCount: 1 }).fetchAll()).resources;
  assert.deepEqual(found, [{ id: "v1", d: 1 }, { id: "v2", d: 2 }]);
});

test("texts and vectors are ranked together", async () => {
  const vectors = database.container("vectors");
  const rank = "RRF(FullTextScore(c.text, 'bear'), VectorDistance(c.v, [0, 0]))";
  const query = `SELECT TOP 3 c.id FROM c WHERE FullTextContains(c.text, "bears") ORDER BY RANK ${rank}`;
  const found = (await vectors.items.query(query).fetchAll()).resources;
  assert.deepEqual(found.map(({ id }) => id), ["v1", "v2", "v3"]);
  // The client puts the parts of a plan together, and finds the same.
  const planned = { forceQueryPlan: true };
  assert.deepEqual((await vectors.items.query(query, planned).fetchAll()).resources, found);
  const near = { query: `SELECT c.id FROM c ORDER BY RANK RRF(FullTextScore(c.text, @w), VectorDistance(c.v, @q), [1, 2]) OFFSET 1 LIMIT 2`,
                 parameters: [{ name: "@w", value: "bear" }, { name: "@q", value: [0, 0] }] };
  const wanted = (await vectors.items.query(near).fetchAll()).resources;
  assert.equal(wanted.length, 2);
  assert.deepEqual((await vectors.items.query(near, planned).fetchAll()).resources, wanted);
  const alone = "SELECT TOP 2 c.id FROM c ORDER BY RANK FullTextScore(c.text, '3')";
  assert.equal((await vectors.items.query(alone, planned).fetchAll()).resources[0].id, "v3");
  const { container: empty } = await database.containers.createIfNotExists({ id: "empty", partitionKey: { paths: ["/pk"] } });
  assert.deepEqual((await empty.items.query(query, planned).fetchAll()).resources, []);
});

test("the change feed tells of all versions and deletes", async () => {
  const { ChangeFeedMode, ChangeFeedStartFrom } = await import("@azure/cosmos");
  const { container: kept } = await database.containers.create({
    id: "kept", partitionKey: { paths: ["/pk"] }, changeFeedPolicy: { retentionDuration: 5 },
    computedProperties: [{ name: "cp_twice", query: "SELECT VALUE c.n * 2 FROM c" }],
  });
  const options = { changeFeedMode: ChangeFeedMode.AllVersionsAndDeletes };
  const begun = await kept.items
    .getChangeFeedIterator({ ...options, changeFeedStartFrom: ChangeFeedStartFrom.Now() }).readNext();
  assert.equal(begun.statusCode, 304);
  await kept.items.create({ id: "1", pk: "a", n: 1 });
  await kept.item("1", "a").replace({ id: "1", pk: "a", n: 2 });
  assert.deepEqual((await kept.items.query("SELECT VALUE c.cp_twice FROM c").fetchAll()).resources, [4]);
  await kept.item("1", "a").delete();
  const from = ChangeFeedStartFrom.Continuation(begun.continuationToken);
  const { result } = await kept.items.getChangeFeedIterator({ ...options, changeFeedStartFrom: from }).readNext();
  assert.deepEqual(result.map(({ metadata }) => metadata.operationType), ["create", "replace", "delete"]);
  assert.deepEqual(result.map(({ current, previous }) => [current?.n, previous?.n]), [[1, undefined], [2, undefined], [undefined, 2]]);
});

test("a user's token allows what is permitted", async () => {
  const { user } = await database.users.create({ id: "reader" });
  const { resource } = await user.permissions.create({ id: "read", permissionMode: "Read", resource: container.url });
  await items.upsert({ id: "mine", pk: "u" });
  const reader = new CosmosClient({ endpoint: process.env.ENDPOINT, resourceTokens: { [container.url]: resource._token } });
  const seen = reader.database(database.id).container(container.id);
  assert.equal((await seen.item("mine", "u").read()).resource.id, "mine");
  await assert.rejects(seen.items.create({ id: "other", pk: "u" }), { code: 403 });
  assert.equal((await user.permissions.readAll().fetchAll()).resources.length, 1);
  reader.dispose();
});
