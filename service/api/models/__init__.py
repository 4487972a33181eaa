"""Models, their versions, labels and files over HTTP."""
