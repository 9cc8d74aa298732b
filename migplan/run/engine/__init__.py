"""The engine: steps done side by side, each in one transaction with its entry in the journal."""
