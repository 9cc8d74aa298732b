"""The demo: a database of a hotel chat application, to try migplan on."""
