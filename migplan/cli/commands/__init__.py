"""The commands, a module each: its options, and a function that calls the pipeline and shows the result.

A module imports at its top what its options need; what does the work is imported when the command runs.
"""
