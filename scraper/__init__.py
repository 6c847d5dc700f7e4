"""Everything that brings images in."""
