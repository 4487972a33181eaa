"""Training jobs and prediction jobs over HTTP."""
