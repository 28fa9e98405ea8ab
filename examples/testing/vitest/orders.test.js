import {
  CreateQueueCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { newAccount } from "./account.js";

let sqs;

beforeEach(() => {
  sqs = new SQSClient(newAccount());
});

afterEach(() => sqs.destroy());

test("an order is queued", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "orders" }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "one coffee" }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages.map((message) => message.Body)).toEqual(["one coffee"]);
});

test("nothing is left of other tests", async () => {
  const { QueueUrls } = await sqs.send(new ListQueuesCommand({}));
  expect(QueueUrls).toBeUndefined();
});

test("a quarter of an hour passes in an instant", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "later" }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "tea", DelaySeconds: 900 }));
  // The clock is the whole server's: a file of such tests is better off with a server of its own.
  const body = JSON.stringify({ action: "advance", seconds: 900 });
  const moved = await fetch(`${inject("fogbank")}/_fogbank/clock`, { method: "POST", body });
  expect(moved.status).toBe(200);
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages[0].Body).toBe("tea");
});
