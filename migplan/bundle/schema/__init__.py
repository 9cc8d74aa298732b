"""Definitions: the file and the order of each entry of pg_dump, and what has no place in a bundle."""
