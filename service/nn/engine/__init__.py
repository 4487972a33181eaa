"""How a network is trained step by step: batches, steps, threads and BLAS."""
