"""Many pictures from one process: what services need."""
