"""Workers: processes that claim jobs from the queue, train or predict, and publish the results."""
