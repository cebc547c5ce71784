"""Values and functions: no input or output, no Textual."""
