"""Checking a bundle without a database, and the queries with which people check a target."""
