"""SQL as text and as parse trees: split, worded, and asked what its statements do. No connection."""
