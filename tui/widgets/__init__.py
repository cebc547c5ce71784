"""The widgets that screens are built from: they show state and models, and post messages."""
