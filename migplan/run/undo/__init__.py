"""Rolling a run back: what would be lost, what stays, and the steps that do it."""
