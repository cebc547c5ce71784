"""A platform of one's own: the vendor's wire on loopback, SQLite on disk, agents that live."""
