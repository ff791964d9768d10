"""AWS's Runtime API for one function, as small as it can be: starts the command, gives it events one by one.

Standard input has a JSON list of events; what is printed is one JSON object: the `answers`, each what the
function gave or its error, what it held in KB (`held_kb`), and where it could write (`writable`).
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

events = json.load(sys.stdin)
answers: list[object] = []


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if len(answers) == len(events):
            raise SystemExit  # nothing more to do: the function is ended, as AWS does
        body = json.dumps(events[len(answers)]).encode()
        self.answer(
            200,
            body,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": f"request-{len(answers)}",
                "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 10_000),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:test",
            },
        )

    def do_POST(self) -> None:
        answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(202, b"{}", {})
        if "/init/error" in self.path:
            raise SystemExit

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def held_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def writable(folder: str) -> bool:
    try:
        (Path(folder) / "probe").write_text("x")
    except OSError:
        return False
    return True


server = HTTPServer(("127.0.0.1", 9001), Api)
function = subprocess.Popen(
    sys.argv[1:],
    env={**os.environ, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"},
    stdout=sys.stderr,
)
server.timeout = 0.1
with suppress(SystemExit):
    while function.poll() is None:
        server.handle_request()
if function.poll() is not None:
    print(f"the function ended with {function.returncode}", file=sys.stderr)
held = held_kb(function.pid) if function.poll() is None else 0
function.kill()
folders = ("/", "/opt", "/opt/slipway", "/opt/ml/model", "/var/task", "/home", "/tmp")
print(json.dumps({"answers": answers, "held_kb": held, "writable": [f for f in folders if writable(f)]}))
