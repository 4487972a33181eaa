"""The number of threads of BLAS."""

from service import nn


def test_small_work_runs_on_one_blas_thread_and_the_number_comes_back() -> None:
    before = nn.blas.threads()
    nn.blas.set_threads(2)
    try:
        assert nn.blas.threads_for(32, 100) == 1
        assert nn.blas.threads_for(10_000, 100_000) == 2
        with nn.blas.limited_to(1):
            assert nn.blas.threads() == 1
        assert nn.blas.threads() == 2
    finally:
        nn.blas.set_threads(before)


def test_limits_that_overlap_leave_the_number_of_blas_threads_as_it_was() -> None:
    before = nn.blas.threads()
    nn.blas.set_threads(2)
    try:
        first, second, third = nn.blas.limited_to(1), nn.blas.limited_to(2), nn.blas.limited_to(1)
        first.__enter__()
        second.__enter__()
        third.__enter__()
        first.__exit__(None, None, None)
        assert nn.blas.threads() == 1
        third.__exit__(None, None, None)
        assert nn.blas.threads() == 2
        with nn.blas.limited_to(1):
            second.__exit__(None, None, None)
            assert nn.blas.threads() == 1
        assert nn.blas.threads() == 2
    finally:
        nn.blas.set_threads(before)
