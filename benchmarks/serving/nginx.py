"""nginx, as a proxy in front of gunicorn and as the limit that answers a constant."""

from __future__ import annotations

import os
from pathlib import Path

# No log per request, and connections that are never closed for their number: both can only help.
_CONFIG = """
daemon off;
{user}
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 10m;
  client_body_buffer_size 128k;
  default_type text/csv;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {rest}
}}
"""
_PROXY = """
upstream gunicorn {{ server {gunicorn}; }}
server {{
  listen 127.0.0.1:{port} deferred;
  location / {{
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_redirect off;
    proxy_pass http://gunicorn;
  }}
}}
"""
_CONSTANT = 'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "setosa\\n"; }} }}'


def proxy(nginx: str, folder: Path, port: int, gunicorn: str) -> tuple[str, ...]:
    """Return the command of a proxy to where gunicorn listens."""
    return _command(nginx, folder, _PROXY.format(port=port, gunicorn=gunicorn))


def constant(nginx: str, folder: Path, port: int) -> tuple[str, ...]:
    """Return the command of a server that answers every request with one label."""
    return _command(nginx, folder, _CONSTANT.format(port=port))


def _command(nginx: str, folder: Path, rest: str) -> tuple[str, ...]:
    # Started as root, nginx would serve as a user that may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(_CONFIG.format(user=user, workers=2, folder=folder, rest=rest))
    return (nginx, "-e", "stderr", "-p", str(folder), "-c", str(path))
