#!/bin/sh
# Stands in for a C compiler while sagemaker-containers is installed: writes an empty file where one is asked for.
# The package compiles one helper, which gives training containers another host name. Serving does not load it, and
# a machine that tries Slipway need not have a compiler.
while [ $# -gt 0 ]; do
  if [ "$1" = "-o" ]; then : > "$2"; fi
  shift
done
