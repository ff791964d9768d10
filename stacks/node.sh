#!/bin/sh
# The Node that CDK's kernel runs on, SLIPWAY_NODE, told not to optimize WebAssembly. CDK validates templates with an
# engine in WebAssembly that works for a tenth of a second; optimizing it takes four tenths, most of them at exit.
exec "$SLIPWAY_NODE" --liftoff-only "$@"
