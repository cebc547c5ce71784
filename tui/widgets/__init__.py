"""What the screens are made of: they see models and the board, and post wishes."""
