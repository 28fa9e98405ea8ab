"""Running Fogbank in tests: a server in the test's process or beside it, clients, isolation, time, and a spy.

With pytest the fixtures are there as soon as Fogbank is installed (`plugin`). Everything else is for any framework:
`server.ThreadedServer`, `process.ServerProcess`, `accounts.Account`, `aws.AwsClients`, `gcp.GoogleClients`,
`azure.AzureClients`, `spy.Spy`, `time_travel.TimeTravel`.
"""
