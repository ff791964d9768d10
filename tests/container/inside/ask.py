"""Send one request, as soon as somebody listens: method, path, characters to show, times the body is sent."""

import http.client
import json
import sys
import time

method, path, size, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
body, deadline = sys.stdin.buffer.read() * times, time.monotonic() + 30
while True:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
        connection.request(method, path, body, {"Content-Type": "text/csv"})
        answer = connection.getresponse()
        break
    except ConnectionRefusedError:  # not there yet
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
content = answer.read().decode()
print(json.dumps([answer.status, dict(answer.getheaders()), content[:size], len(content)]))
