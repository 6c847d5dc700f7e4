"""People's own folders of images: what is in them, and how data/raw follows."""
