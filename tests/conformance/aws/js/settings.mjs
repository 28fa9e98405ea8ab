// What every client of the tests is made with: `new SQSClient(settings)`.
export const settings = {
  endpoint: process.env.FOGBANK_ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: process.env.FOGBANK_ACCOUNT, secretAccessKey: "secret" },
  maxAttempts: 1,
};
