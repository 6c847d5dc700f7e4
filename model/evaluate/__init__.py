"""The evaluate stage: what the model gets right on the test split, and what would help."""
