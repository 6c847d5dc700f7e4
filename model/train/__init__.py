"""The train stage: the recipe, augmentation, and what makes it fast."""
