"""Measurements, side by side with the peers. ``python -m bench`` runs them, and so does ``make bench``."""
