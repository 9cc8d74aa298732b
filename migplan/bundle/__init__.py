"""The bundle: numbered SQL files that people review and psql can run, and the manifest that proves them."""
