"""The platform's API as a library: models, two HTTP surfaces behind one client, and the event stream."""

import sys

# httpx imports its own command line, with click, rich and pygments behind it: half of what it takes to import.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
