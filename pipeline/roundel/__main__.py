"""``python -m roundel``: the same as the command ``roundel``."""

from roundel.cli import main

if __name__ == "__main__":
    main()
