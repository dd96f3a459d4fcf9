"""``python -m reguloom.cli`` is the same as ``reguloom``."""

from reguloom.cli.app import main

if __name__ == "__main__":
    main()
