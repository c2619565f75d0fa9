"""What can go wrong with the demo itself."""


class DemoError(Exception):
    """The demo cannot go on; the message says why and where to look."""
