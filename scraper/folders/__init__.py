"""Sources of `kind: folder`: lists people's own folders, and makes data/raw follow them."""
