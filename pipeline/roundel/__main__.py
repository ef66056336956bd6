"""``roundel`` and ``python -m roundel``.

Processes that a run starts load this module again: the command line is loaded only where it runs.
"""


def main() -> None:
    """Run the command line."""
    from roundel.cli import main as run

    run()


if __name__ == "__main__":
    main()
