"""`python -m oracle.cli` is `plumbline`."""

from __future__ import annotations

from oracle.cli.main import main

main()
