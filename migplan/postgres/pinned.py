"""What has moved to ``settings.py``, for those who have not."""

from migplan.postgres.settings import always, statements, timeouts

__all__ = ["always", "statements", "timeouts"]
