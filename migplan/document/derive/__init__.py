"""What is to be said about each table: derived from the catalog, the plan and the advice. Pure."""
