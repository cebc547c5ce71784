"""The headless front end: a module for each family of verbs."""
