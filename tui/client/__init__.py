"""The platform's API as a library: models, two HTTP surfaces behind one client, and the event stream."""
