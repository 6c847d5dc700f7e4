"""From an address to bytes and a row: what fetches, retries, limits and keeps."""
