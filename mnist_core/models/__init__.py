"""A trained model on disk, checked, and as a function."""
