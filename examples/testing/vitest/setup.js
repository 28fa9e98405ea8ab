// Vitest runs this once before all tests; what it returns, after them.

import { startFogbank } from "./fogbank.js";

export default async function setup({ provide }) {
  const { url, stop } = await startFogbank();
  provide("fogbank", url);
  return stop;
}
