"""Our server beside its peers, side by side: `make bench-serving` writes docs/benchmarks/serving.md."""
