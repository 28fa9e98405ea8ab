// Keep a user with Amazon DynamoDB, Google Firestore and Azure Cosmos DB, each in its own client's words:
//
//     npm install && eval "$(fogbank env)" && node documents.js
const { DynamoDBClient, CreateTableCommand, GetItemCommand, PutItemCommand, waitUntilTableExists } = require("@aws-sdk/client-dynamodb");
const { CosmosClient } = require("@azure/cosmos");
const { Firestore } = require("@google-cloud/firestore");

const USER = { name: "Ada Lovelace", email: "ada@example.com" };

async function dynamodb() {
  const client = new DynamoDBClient();
  const TableName = "users";
  await client.send(new CreateTableCommand({
    TableName,
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  }));
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  const Item = { id: { S: "123" }, name: { S: USER.name }, email: { S: USER.email } };
  await client.send(new PutItemCommand({ TableName, Item }));
  const read = await client.send(new GetItemCommand({ TableName, Key: { id: { S: "123" } }, ConsistentRead: true }));
  client.destroy();
  return Object.fromEntries(Object.entries(read.Item).map(([name, value]) => [name, value.S]));
}

async function firestore() {
  const db = new Firestore({ projectId: process.argv[2] ?? "documents" });
  await db.collection("users").doc("123").set(USER);
  const document = await db.collection("users").doc("123").get();
  await db.terminate();
  return { id: document.id, ...document.data() };
}

async function cosmos() {
  const client = new CosmosClient({ endpoint: process.env.COSMOS_ENDPOINT, key: process.env.COSMOS_KEY });
  const { database } = await client.databases.createIfNotExists({ id: process.argv[2] ?? "documents" });
  const { container } = await database.containers.createIfNotExists({ id: "users", partitionKey: { paths: ["/id"] } });
  await container.items.create({ id: "123", ...USER });
  const { resource } = await container.item("123", "123").read();
  client.dispose();
  return { id: resource.id, name: resource.name, email: resource.email };
}

async function main() {
  for (const keep of [dynamodb, firestore, cosmos]) console.log(`${keep.name}: ${JSON.stringify(await keep())}`);
}

main();
