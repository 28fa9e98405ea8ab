"""Tables of Cosmos DB: its accounts that have such, and both in Azure Resource Manager.

Their entities are those of `clouds.azure.tables`.
"""
