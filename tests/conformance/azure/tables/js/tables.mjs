// Table Storage through Microsoft's client for JavaScript.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AzureNamedKeyCredential, TableClient, TableServiceClient, TableTransaction, odata } from "@azure/data-tables";

const credential = new AzureNamedKeyCredential(process.env.ACCOUNT, process.env.KEY);
const options = { allowInsecureConnection: true };
const service = new TableServiceClient(process.env.ENDPOINT, credential, options);
const table = new TableClient(process.env.ENDPOINT, process.env.TABLE, credential, options);
await table.createTable();
const all = async (pages) => {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
};

test("tables are listed and have policies", async () => {
  const names = await all(service.listTables({ queryOptions: { filter: odata`TableName eq ${process.env.TABLE}` } }));
  assert.deepEqual(names.map((each) => each.name), [process.env.TABLE]);
  await table.setAccessPolicy([{ id: "one", accessPolicy: { permission: "r", expiry: new Date(2e12), start: new Date(1e12) } }]);
  assert.equal((await table.getAccessPolicy())[0].accessPolicy.permission, "r");
  assert.deepEqual((await service.getProperties()).cors ?? [], []);
});

test("entities keep their types", async () => {
  const entity = { partitionKey: "it's", rowKey: "é", long: 2n ** 60n, at: new Date(1e12), data: new Uint8Array([1, 255]),
                   int: 5, real: 1.5, yes: true, guid: { type: "Guid", value: "c9da6455-213d-42c9-9a79-3e9149a57833" } };
  const { etag } = await table.createEntity(entity);
  const { timestamp, "odata.metadata": _, etag: same, ...found } = await table.getEntity("it's", "é");
  assert.equal(same, etag);
  assert.equal(found.long, 2n ** 60n);
  assert.equal(found.at.getTime(), 1e12);
  assert.deepEqual([...found.data], [1, 255]);
  assert.deepEqual([found.int, found.real, found.yes, found.guid.value], [5, 1.5, true, entity.guid.value]);
  await table.updateEntity({ partitionKey: "it's", rowKey: "é", int: 6 }, "Merge", { etag });
  await assert.rejects(table.updateEntity(entity, "Replace", { etag }), { statusCode: 412 });
  await table.deleteEntity("it's", "é");
  await assert.rejects(table.getEntity("it's", "é"), (error) => error.details.odataError.code === "ResourceNotFound");
});

test("batches and queries", async () => {
  const batch = new TableTransaction();
  for (let n = 0; n < 5; n++) batch.createEntity({ partitionKey: "p", rowKey: `${n}`, n });
  assert.equal((await table.submitTransaction(batch.actions)).status, 202);
  const found = await all(table.listEntities({ queryOptions: { filter: odata`n gt ${2} and PartitionKey eq ${"p"}`, select: ["n"] } }));
  assert.deepEqual(found.map((each) => each.n), [3, 4]);
  const pages = [];
  for await (const page of table.listEntities().byPage({ maxPageSize: 2 })) pages.push(page.length);
  assert.deepEqual(pages, [2, 2, 1]);
  const failing = new TableTransaction([["upsert", { partitionKey: "p", rowKey: "9" }], ["create", { partitionKey: "p", rowKey: "1" }]]);
  await assert.rejects(table.submitTransaction(failing.actions), (error) => error.code === "EntityAlreadyExists" && error.statusCode === 409);
});
