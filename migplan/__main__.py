"""``python -m migplan`` is the same as ``migplan``; a Ctrl-C while modules load is heard, too."""

import gc
import sys


def run() -> None:
    """Run the command line."""
    # Commands are short and their values are many: searching them for garbage takes a fifth of the time.
    gc.set_threshold(250_000, 50, 100)
    try:
        from migplan.cli import main  # noqa: PLC0415 - it takes a moment, in which somebody may press Ctrl-C

        main()
    except KeyboardInterrupt:
        sys.stderr.write("migplan: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
