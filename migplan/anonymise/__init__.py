"""Anonymising: what of a row may be shown, and what stands in for the rest. Pure."""
