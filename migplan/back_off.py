"""How long to wait before another try."""

LONGEST = 30.0


def back_off(attempt: int, first: float) -> float:
    """Return the seconds to wait after the nth try: ``first``, and twice as long after each other."""
    return min(first * 2.0 ** (attempt - 1), LONGEST)
