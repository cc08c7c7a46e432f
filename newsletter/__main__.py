"""Starts the command line, so that Ctrl-C is heard calmly even while it is still being loaded."""

import gc
import sys

INTERRUPTED = 130  # 128 and SIGINT, as shells have it


def main() -> None:
    """Run `newsletter`."""
    gc.disable()  # what is loaded stays for good: looking through it again and again takes a fifth of a second
    try:
        from newsletter.cli import main as run  # noqa: PLC0415 - loading takes a second, in which Ctrl-C may come

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
