"""Listen: telling clients of documents that change."""
