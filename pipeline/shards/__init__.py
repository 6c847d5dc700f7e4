"""data/raw in few large files: what many small files cost to push and pull is saved."""
