#!/bin/sh
# What CDK_DOCKER names: the docker of this project. See localaws/images/docker.py.
here=$(cd "$(dirname "$0")" && pwd)
python="$here/../.venv/bin/python"
[ -x "$python" ] || python=python3
exec "$python" -I -S "$here/images/docker.py" "$@"
