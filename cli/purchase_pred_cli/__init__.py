"""The command `purchase-pred`: the only part of the program that talks to a person."""

import sys


def main() -> None:
    """Run the command line; the exit code says how it went."""
    try:
        from purchase_pred_cli.app import run_application

        run_application(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)


__all__ = ["main"]
