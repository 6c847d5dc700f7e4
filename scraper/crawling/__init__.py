"""Fetches pages and images politely, and turns each candidate into a file and a manifest row."""
