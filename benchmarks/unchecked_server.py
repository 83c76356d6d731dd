"""`assent serve` that never moves its write-ahead log into the file, to see what checkpoints cost.

`python -m benchmarks.unchecked_server PORT DIRECTORY`
"""

import json
import sys
from pathlib import Path

import assent.log.sqlite as log
from assent.app.config import Config
from assent.app.serving import run
from benchmarks import samples

if __name__ == "__main__":
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    workspace = directory / "workspace.json"
    workspace.write_text(json.dumps(samples.workspace(0)))
    for name in ("_CHECKPOINT_BYTES", "_RESTART_BYTES"):
        setattr(log, name, 1 << 60)
    run(Config(data=directory / "data"), workspace, "127.0.0.1", port)
