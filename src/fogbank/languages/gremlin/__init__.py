"""Gremlin, the language of property graphs, as text: its grammar, and what its traversals do to a graph.

"Azure Cosmos DB for Gremlin graph support" (https://learn.microsoft.com/azure/cosmos-db/gremlin/support) says which
steps there are; "The Traversal" in Apache TinkerPop's reference (https://tinkerpop.apache.org/docs/3.4.13/reference/)
what they do.
"""
