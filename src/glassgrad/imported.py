"""When glassgrad was read from disk: what is written to its files later is not what runs in this process."""

import time

IMPORTED = time.time()
"""Imported before everything else."""
