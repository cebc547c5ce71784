"""The local platform: the vendor's HTTP interface on loopback, with SQLite on disk and agents that play scenarios."""
