"""Running a folder of migrations: applying, reverting, maintaining, and how each of them stands."""
