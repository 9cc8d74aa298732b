"""The documentation as JSON, for programs."""
