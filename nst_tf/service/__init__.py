"""Many pictures from one process, for services."""
