"""`python -m tests.bench.peak COMMAND...`: run a command, print the most memory that it ever held, in megabytes.

A process of its own for this, because a child's peak begins with the size of the process that started it.
"""

from __future__ import annotations

import resource
import subprocess
import sys

_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

if __name__ == "__main__":
    done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT_BYTES / 1_000_000)
    sys.exit(done.returncode)
