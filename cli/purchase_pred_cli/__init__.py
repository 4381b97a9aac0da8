"""The command `purchase-pred`: the only part of the program that talks to a person."""


def main() -> None:
    """Run the command line."""
