"""What people decide about single pictures."""
