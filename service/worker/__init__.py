"""Works: processes that take jobs from the queue, train, and publish; and the supervisor that keeps them."""
