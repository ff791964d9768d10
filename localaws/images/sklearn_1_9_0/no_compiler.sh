#!/bin/sh
# Stands in for a C compiler while sagemaker-containers and sagemaker-training are installed: writes an empty file
# where one is asked for. Both compile one helper, which gives the hosts of an MPI training another name. Nothing here
# loads it, and a machine that tries Slipway need not have a compiler.
while [ $# -gt 0 ]; do
  if [ "$1" = "-o" ]; then : > "$2"; fi
  shift
done
