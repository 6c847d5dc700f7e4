"""The clean stage: what is found wrong with images, which stay, and how they are written."""
