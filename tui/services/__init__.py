"""Services: asynchronous work that the dashboard and the command line share, without Textual."""
