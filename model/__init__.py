"""From dataset folders to answers."""
