"""What people decide about single images."""
