"""Text that is safe to draw, and secrets that are masked."""
