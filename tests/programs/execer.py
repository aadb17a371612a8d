# SPDX-License-Identifier: BSD-2-Clause
"""Works until the line `go` comes on stdin, then becomes /bin/sleep 60 under the same pid. There is
nothing left to judge."""
import os
import select

import common

common.ready()
line = b""
while b"go" not in line:
    common.traffic(10)
    if select.select([0], [], [], 0.02)[0]:
        byte = os.read(0, 64)
        if not byte:
            raise SystemExit(0)
        line += byte
os.execv("/bin/sleep", ["sleep", "60"])
