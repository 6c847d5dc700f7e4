"""The contracts, and what happens to pictures before a network sees them."""
