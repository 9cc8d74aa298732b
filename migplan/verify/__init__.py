"""Whether a target is what its bundle, and its source, say: counts, content, keys, sequences, structure."""
