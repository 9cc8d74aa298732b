"""Text that leaves the program: made harmless, stripped of secrets, written as Markdown."""
