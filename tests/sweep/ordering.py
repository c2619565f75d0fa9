"""Boundaries in their order."""


def assert_in_order(wanted, names):
    """That none of the boundaries got lost; there may be more."""
    rest = iter(names)
    missing = [name for name in wanted if not any(name == other for other in rest)]
    assert not missing, names
