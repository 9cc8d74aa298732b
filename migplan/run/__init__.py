"""Running a bundle: its steps, the journal, what stands in the way, going on, and going back."""
