"""The command line interface: a module for each family of verbs."""
