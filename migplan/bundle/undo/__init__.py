"""The way back: rollback files, and the opposite of single definitions."""
