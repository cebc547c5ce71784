"""Asynchronous work, without Textual."""
