"""Runs a command and writes what it took, as the kernel counts it, to a file.

python measure.py FIGURES COMMAND...
"""

import json
import os
import sys
import time

figures, *command = sys.argv[1:]
started = time.monotonic_ns()
pid = os.posix_spawn(command[0], command, os.environ)
_, status, used = os.wait4(pid, 0)
ended = time.monotonic_ns()
with open(figures, "w", encoding="utf8") as file:
    json.dump(
        {
            "startedNs": started,
            "endedNs": ended,
            "cpuMicroseconds": (used.ru_utime + used.ru_stime) * 1e6,
            "kilobytes": used.ru_maxrss,
        },
        file,
    )
sys.exit(os.waitstatus_to_exitcode(status) % 256)
