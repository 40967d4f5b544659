"""The core's steps alone, without a socket or a loop, by pytest-benchmark: `make bench-core`."""
