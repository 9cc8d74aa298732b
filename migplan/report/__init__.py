"""Reports: values of any stage as terminal trees, Markdown, diagrams and JSON. No connection, no decisions."""
