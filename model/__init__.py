"""Trains, evaluates and uses a model, from dataset folders to answers."""
