"""A scheduled backup on Azure Functions: a timer trigger that copies a database every night."""
