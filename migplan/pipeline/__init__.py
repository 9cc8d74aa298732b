"""The story, a module a verb: each function turns one value into the next; none of them prints."""
