"""The page and the HTTP API that classify images."""
