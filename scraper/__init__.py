"""Everything that brings pictures in."""
