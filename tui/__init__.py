"""xp-tui: watch and steer the agent tasks of the xpander.ai platform from a terminal."""

__version__ = "0.2.0"
