// An account of the test's own: twelve digits, which are the access key, too. Nobody else sees what is in it.

import { randomInt } from "node:crypto";
import { inject } from "vitest";

export function newAccount() {
  const digits = String(randomInt(1e12 / 1e3)).padStart(9, "0") + String(randomInt(1e3)).padStart(3, "0");
  return {
    endpoint: inject("fogbank"),
    region: "us-east-1",
    credentials: { accessKeyId: digits, secretAccessKey: "anything" },
  };
}
