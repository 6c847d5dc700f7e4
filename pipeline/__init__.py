"""The contracts, and what happens to images before a network sees them."""
