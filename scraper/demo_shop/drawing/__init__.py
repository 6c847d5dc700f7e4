"""Images of products, drawn by code."""
