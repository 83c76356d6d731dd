"""The command `assent` in a world whose clock is set: by as many seconds as the file ASSENT_TEST_CLOCK says."""

import os
import time

_FILE = os.environ["ASSENT_TEST_CLOCK"]
_real_ns, _real = time.time_ns, time.time


def _error() -> float:
    with open(_FILE) as file:
        return float(file.read() or 0)


time.time_ns = lambda: _real_ns() + int(_error() * 1e9)
time.time = lambda: _real() + _error()

if __name__ == "__main__":
    from assent.app.cli import main

    main()
