"""The domain: values and pure functions, without input, output or Textual."""
