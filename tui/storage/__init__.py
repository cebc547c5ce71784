"""Storage on this disk: settings, private files and small JSON files."""
