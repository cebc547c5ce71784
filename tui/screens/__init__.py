"""The screens: each sees the board, and posts what the operator wishes."""
