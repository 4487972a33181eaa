"""`make bench`: every benchmark that needs nothing installed beyond the development environment."""

from benchmarks.training import main

if __name__ == "__main__":
    main()
