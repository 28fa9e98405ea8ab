// Amazon SQS through the AWS SDK for JavaScript, which checks the MD5 digests in replies.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sqs from "@aws-sdk/client-sqs";
import { settings } from "./settings.mjs";

const client = new sqs.SQSClient(settings);
const call = (Command, input) => client.send(new Command(input));
const create = async (name, Attributes) =>
  (await call(sqs.CreateQueueCommand, { QueueName: name, Attributes })).QueueUrl;
const receive = async (QueueUrl, more = {}) =>
  (await call(sqs.ReceiveMessageCommand, { QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ?? [];

test("queues are made, described, listed and deleted", async () => {
  const url = await create("js-queues", { DelaySeconds: "5" });
  assert.equal((await call(sqs.GetQueueUrlCommand, { QueueName: "js-queues" })).QueueUrl, url);
  const { Attributes } = await call(sqs.GetQueueAttributesCommand, { QueueUrl: url, AttributeNames: ["All"] });
  assert.equal(Attributes.DelaySeconds, "5");
  assert.match(Attributes.QueueArn, /^arn:aws:sqs:us-east-1:\d{12}:js-queues$/);
  await call(sqs.TagQueueCommand, { QueueUrl: url, Tags: { a: "ü" } });
  assert.deepEqual((await call(sqs.ListQueueTagsCommand, { QueueUrl: url })).Tags, { a: "ü" });
  await call(sqs.DeleteQueueCommand, { QueueUrl: url });
  assert.equal((await call(sqs.ListQueuesCommand, { QueueNamePrefix: "js-queues" })).QueueUrls, undefined);
});

test("lists are paged", async () => {
  for (const number of [1, 2, 3, 4, 5]) await create(`js-page-${number}`);
  const found = [];
  for await (const page of sqs.paginateListQueues({ client, pageSize: 2 }, { QueueNamePrefix: "js-page-" }))
    found.push(...(page.QueueUrls ?? []).map((url) => url.split("/").pop()));
  assert.deepEqual(found, [1, 2, 3, 4, 5].map((number) => `js-page-${number}`));
});

test("messages arrive with their attributes, and their digests are right", async () => {
  const QueueUrl = await create("js-messages");
  const MessageAttributes = {
    text: { DataType: "String", StringValue: "Grüße 🌫" },
    number: { DataType: "Number.float", StringValue: "-1.5e3" },
    bytes: { DataType: "Binary.raw", BinaryValue: new Uint8Array([0, 255, 10, 13]) },
  };
  const MessageSystemAttributes = { AWSTraceHeader: { DataType: "String", StringValue: "Root=1-2-3" } };
  const MessageBody = 'line\r\n\t"<&>" 🌫';
  const sent = await call(sqs.SendMessageCommand, { QueueUrl, MessageBody, MessageAttributes, MessageSystemAttributes });
  const [message] = await receive(QueueUrl, {
    MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["All"],
  });
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, MessageBody);
  assert.deepEqual(message.MessageAttributes, MessageAttributes);
  assert.equal(message.Attributes.AWSTraceHeader, "Root=1-2-3");
  assert.equal(message.Attributes.ApproximateReceiveCount, "1");
  await call(sqs.DeleteMessageCommand, { QueueUrl, ReceiptHandle: message.ReceiptHandle });
});

test("a receiver waits for a message, or until its time is up", async () => {
  const QueueUrl = await create("js-waiting");
  const waiting = receive(QueueUrl, { WaitTimeSeconds: 10 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await call(sqs.SendMessageCommand, { QueueUrl, MessageBody: "at last" });
  assert.deepEqual((await waiting).map((message) => message.Body), ["at last"]);
  const began = performance.now();
  assert.deepEqual(await receive(QueueUrl, { WaitTimeSeconds: 1 }), []);
  assert.ok(performance.now() - began >= 990);
});

test("a receiver that is given up takes nothing with it", async () => {
  const QueueUrl = await create("js-aborted");
  const controller = new AbortController();
  const waiting = client.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
    abortSignal: controller.signal,
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  // The server gives the vanished client a second.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await call(sqs.SendMessageCommand, { QueueUrl, MessageBody: "still here" });
  assert.deepEqual((await receive(QueueUrl)).map((message) => message.Body), ["still here"]);
});

test("batches succeed and fail entry by entry", async () => {
  const QueueUrl = await create("js-batches");
  const Entries = [1, 2, 3].map((number) => ({ Id: `m${number}`, MessageBody: number === 2 ? "\u0000" : `body ${number}` }));
  const sent = await call(sqs.SendMessageBatchCommand, { QueueUrl, Entries });
  assert.deepEqual(sent.Successful.map((each) => each.Id), ["m1", "m3"]);
  assert.equal(sent.Failed[0].Id, "m2");
  assert.equal(sent.Failed[0].Code, "InvalidMessageContents");
  assert.equal(sent.Failed[0].SenderFault, true);
  const messages = await receive(QueueUrl);
  const deleted = await call(sqs.DeleteMessageBatchCommand, {
    QueueUrl,
    Entries: messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle })),
  });
  assert.equal(deleted.Successful.length, 2);
  const large = [0, 1, 2, 3].map((number) => ({ Id: `${number}`, MessageBody: "x".repeat(262144) }));
  assert.equal((await call(sqs.SendMessageBatchCommand, { QueueUrl, Entries: large })).Successful.length, 4);
});

test("ordered queues keep order and drop duplicates", async () => {
  const QueueUrl = await create("js-ordered.fifo", { FifoQueue: "true" });
  const send = (MessageBody, MessageGroupId, MessageDeduplicationId) =>
    call(sqs.SendMessageCommand, { QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId });
  const first = await send("1", "a", "1");
  const again = await send("1 again", "a", "1");
  assert.equal(again.MessageId, first.MessageId);
  assert.equal(again.SequenceNumber, first.SequenceNumber);
  for (const number of ["2", "3"]) await send(number, "a", number);
  await send("b", "b", "b");
  assert.deepEqual((await receive(QueueUrl)).map((message) => message.Body), ["1", "2", "3", "b"]);
  assert.deepEqual(await receive(QueueUrl), []);
});

test("errors have their classes", async () => {
  const QueueUrl = await create("js-errors");
  const missing = QueueUrl.replace("js-errors", "js-missing");
  const rejects = async (promise, kind, name, status = 400) => {
    const error = await promise.then(() => assert.fail("nothing was refused"), (error) => error);
    assert.ok(error instanceof kind, `${error}`);
    assert.ok(error instanceof sqs.SQSServiceException);
    assert.equal(error.name, name);
    assert.equal(error.$metadata.httpStatusCode, status);
    assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
    assert.ok(error.message);
  };
  await rejects(call(sqs.SendMessageCommand, { QueueUrl: missing, MessageBody: "x" }), sqs.QueueDoesNotExist, "QueueDoesNotExist");
  await rejects(call(sqs.GetQueueUrlCommand, { QueueName: "js-missing" }), sqs.QueueDoesNotExist, "QueueDoesNotExist");
  await rejects(create("js-errors", { DelaySeconds: "7" }), sqs.QueueNameExists, "QueueNameExists");
  await rejects(call(sqs.DeleteMessageCommand, { QueueUrl, ReceiptHandle: "x" }), sqs.ReceiptHandleIsInvalid, "ReceiptHandleIsInvalid");
  await rejects(call(sqs.SendMessageBatchCommand, { QueueUrl, Entries: [] }), sqs.EmptyBatchRequest, "EmptyBatchRequest");
  await rejects(create("js-nonsense", { Nonsense: "1" }), sqs.InvalidAttributeName, "InvalidAttributeName");
  await rejects(call(sqs.PurgeQueueCommand, { QueueUrl: missing }), sqs.QueueDoesNotExist, "QueueDoesNotExist");
});
