"""The queue of jobs, and how workers learn of them."""
