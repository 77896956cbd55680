"""The command `kramik`."""

from __future__ import annotations

from kramik.hosts.cli import main

if __name__ == "__main__":
    main()
