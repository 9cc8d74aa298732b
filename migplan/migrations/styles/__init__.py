"""The habits that folders follow, one a module: whose is it, and which files are a migration."""
