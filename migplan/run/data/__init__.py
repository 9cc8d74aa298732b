"""Running a data step: rows are read in batches, changed by its own code, and written with a checkpoint."""
