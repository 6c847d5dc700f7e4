"""The split stage: which images train, which choose the best epoch, which evaluate the model."""
