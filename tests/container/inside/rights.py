"""Who the server's processes are, and what they can write, reach and import."""

import importlib.util
import json
import socket
from pathlib import Path

FOLDERS = ("/", "/tmp", "/opt/slipway", "/opt/venv", "/opt/ml/model", "/home", "/var/tmp", "/run")


def writable(folder: str) -> bool:
    try:
        (Path(folder) / "probe").write_text("x")
    except OSError:
        return False
    return True


def status(process: Path, name: str) -> str:
    lines = (process / "status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))


processes = Path("/proc").glob("[0-9]*")
servers = [process for process in processes if b"serving.server\0" in (process / "cmdline").read_bytes()]
seen = {
    "users": sorted({status(server, "Uid") for server in servers}),
    "capabilities": sorted({status(server, "CapEff") for server in servers}),
    "processes": len(servers),
    "writable": [folder for folder in FOLDERS if writable(folder)],
    "devices": [name for _, name in socket.if_nameindex()],
    "installed": [name for name in ("pip", "sklearn", "flask") if importlib.util.find_spec(name)],
    "first": Path("/proc/1/cmdline").read_bytes().decode().split("\0")[1:4],
}
print(json.dumps(seen))
