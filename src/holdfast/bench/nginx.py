"""nginx before the upstream, the floor of what relaying costs: `python -m holdfast.bench.nginx UPSTREAM`.

What lives here: one process of it with the least configuration that passes WebSockets on. It looks at no
message: after the upgrade it copies bytes between two sockets.
What never will: measuring it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_PLACES: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_LOOK_S: Final = 0.05

CONFIGURATION: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://{upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout 1h;
      tcp_nodelay on;
    }}
  }}
}}
"""


def found() -> str | None:
    """Where nginx is on this machine, if it is."""
    return shutil.which("nginx", path=_PLACES)


def main(upstream: str) -> None:
    """Run it on a free loopback port until standard input ends."""
    program = found()
    assert program is not None, "nginx is not on this machine"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path.cwd() / "nginx"
    folder.mkdir(exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, upstream=upstream))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # and what was started with it
    command = [program, "-p", str(folder), "-c", str(configuration)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:  # noqa: S603 - found by name above
        try:
            _until_it_listens(running, port)
            sys.stdout.write(json.dumps({"port": port, "pid": running.pid}) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            running.terminate()


def _until_it_listens(running: subprocess.Popen[bytes], port: int) -> None:
    while running.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(_LOOK_S)
    sys.exit("nginx ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
