"""The plan: which tables in which group, in which order, by which strategy, and why.

Pure: it looks at a catalog and its graph, and touches nothing but the plan's own files.
"""
