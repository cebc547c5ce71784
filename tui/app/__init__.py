"""The dashboard: the app, its keys, its terminal, and what all screens share."""
