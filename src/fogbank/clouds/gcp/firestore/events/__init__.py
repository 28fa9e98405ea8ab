"""Events of documents, which Eventarc's triggers and functions are set off by."""
