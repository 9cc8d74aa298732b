"""Reports: values of any stage as trees, Markdown, diagrams and JSON. No connection, no decisions."""
