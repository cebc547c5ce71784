"""The Textual app: its keys, its terminal driver, and the parts that connect the services with the screens."""
