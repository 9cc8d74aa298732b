"""What has moved to ``session.py``, for those who have not."""

from migplan.postgres.session import Session, connect

__all__ = ["connect", "pin"]


def pin(connection: Session) -> None:
    """As :meth:`Session.begin_pinned`."""
    connection.begin_pinned()
