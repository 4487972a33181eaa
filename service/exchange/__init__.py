"""The verbs export and import: a version becomes a file for somebody else, and somebody else's file a version."""
