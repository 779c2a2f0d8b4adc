"""What breaks under the app, and whether everything is whole afterwards; see `__main__`."""
