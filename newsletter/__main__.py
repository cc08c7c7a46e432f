"""Starts the command line, so that Ctrl-C is heard calmly even while it is still being loaded."""

import sys

INTERRUPTED = 130  # 128 and SIGINT, as shells have it


def main() -> None:
    """Run `newsletter`."""
    try:
        from newsletter.cli import main as run  # noqa: PLC0415 - loading takes a second, in which Ctrl-C may come

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
