"""Draws images of products. `camera.draw` makes an image from its name."""
