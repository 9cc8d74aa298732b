"""``python -m migplan`` is the same as ``migplan``."""

from migplan.cli import main

if __name__ == "__main__":
    main()
