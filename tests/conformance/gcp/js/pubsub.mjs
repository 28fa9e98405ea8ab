// Google Pub/Sub through Google's own client for Node.js, as it is without any setting but PUBSUB_EMULATOR_HOST.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PubSub } from "@google-cloud/pubsub";

const pubsub = new PubSub({ projectId: process.env.FOGBANK_PROJECT });
let count = 0;
const make = async (settings = {}) => {
  const [topic] = await pubsub.createTopic(`topic-${++count}`);
  const [subscription] = await topic.createSubscription(`subscription-${count}`, settings);
  return { topic, subscription };
};
// Collects messages until there are so many; `handle` says what becomes of each.
const collect = (subscription, wanted, handle = (message) => message.ack()) =>
  new Promise((resolve, reject) => {
    const found = [];
    subscription.on("error", reject);
    subscription.on("message", (message) => {
      handle(message, found);
      found.push(message);
      if (found.length === wanted) subscription.close().then(() => resolve(found), reject);
    });
  });

test("messages are published and streamed", async () => {
  const { topic, subscription } = await make();
  const ids = await Promise.all(
    ["one", "two"].map((text) => topic.publishMessage({ data: Buffer.from(text), attributes: { text } })),
  );
  const found = await collect(subscription, 2);
  assert.deepEqual(found.map((message) => message.data.toString()).sort(), ["one", "two"]);
  assert.deepEqual(found.map((message) => message.id).sort(), ids.sort());
  assert.equal(found[0].attributes.text, found[0].data.toString());
});

test("a message that is given up comes again", async () => {
  const { topic, subscription } = await make();
  await topic.publishMessage({ data: Buffer.from("again") });
  const found = await collect(subscription, 2, (message, before) => (before.length ? message.ack() : message.nack()));
  assert.equal(found[0].id, found[1].id);
});

test("ordering keys keep their order", async () => {
  const { topic, subscription } = await make({ enableMessageOrdering: true });
  topic.setPublishOptions({ messageOrdering: true });
  for (let number = 0; number < 20; number++)
    await topic.publishMessage({ data: Buffer.from(`${number}`), orderingKey: "k" });
  const found = await collect(subscription, 20);
  assert.deepEqual(found.map((message) => Number(message.data)), [...Array(20).keys()]);
});

test("acknowledgements are confirmed where delivery is exactly once", async () => {
  const { topic, subscription } = await make({ enableExactlyOnceDelivery: true });
  await topic.publishMessage({ data: Buffer.from("once") });
  const answer = await new Promise((resolve, reject) => {
    subscription.on("error", reject);
    subscription.on("message", (message) => message.ackWithResponse().then(resolve, reject));
  });
  assert.equal(answer, "SUCCESS");
  await subscription.close();
});

test("topics and subscriptions are listed, changed and deleted", async () => {
  const { topic, subscription } = await make({ labels: { a: "b" } });
  const [found] = await topic.getSubscriptions();
  assert.deepEqual(found.map((each) => each.name), [subscription.name]);
  const [changed] = await subscription.setMetadata({ ackDeadlineSeconds: 60 });
  assert.equal(changed.ackDeadlineSeconds, 60);
  await subscription.delete();
  await topic.delete();
  assert.deepEqual(await topic.exists(), [false]);
});

test("what isn't there is an error with Google's code", async () => {
  await assert.rejects(pubsub.topic("missing").publishMessage({ data: Buffer.from("x") }), { code: 5 });
});
