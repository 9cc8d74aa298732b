"""``python -m migplan`` is the same as ``migplan``; a Ctrl-C while modules load is heard, too."""

import sys


def run() -> None:
    """Run the command line."""
    try:
        from migplan.cli import main  # noqa: PLC0415 - it takes a moment, in which somebody may press Ctrl-C

        main()
    except KeyboardInterrupt:
        sys.stderr.write("migplan: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
