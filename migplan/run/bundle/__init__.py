"""Running a bundle: its steps, and what the journal keeps of it."""
