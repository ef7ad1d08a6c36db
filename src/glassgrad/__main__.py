"""`python -m glassgrad` is the command `glassgrad`."""

from .cli import main

if __name__ == "__main__":
    main()
