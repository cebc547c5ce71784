"""Sanitizing of untrusted text, and redaction of secrets."""
