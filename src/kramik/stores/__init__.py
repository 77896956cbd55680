"""Orders and the queue in one technology a file."""
