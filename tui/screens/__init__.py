"""The Textual screens: each shows a part of the state, and posts messages for what the operator asks for."""
