"""Many clients, and in their midst the word for whoever sends SIGTERM."""

import asyncio
import json
from dataclasses import asdict

from tests.server.load import load

print(json.dumps(asdict(asyncio.run(load(8080, lambda: print("now", flush=True))))))
