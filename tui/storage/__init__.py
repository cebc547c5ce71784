"""What is on this disk: settings, private files, small stores."""
