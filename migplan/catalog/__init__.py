"""The catalog: what a database says of itself, read at one moment, kept as plain values."""
