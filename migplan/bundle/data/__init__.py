"""Rows: what a data file does, table by table, and how they are read and written."""
