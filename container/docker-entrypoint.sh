#!/bin/sh
# What a container runs: the server, open to other containers. Arguments are flags of `fogbank up`, or another program.
# The place and name are those at which Testcontainers' module for LocalStack looks for it.
set -eu
case "${1:-}" in
    "" | -*) exec fogbank up --host 0.0.0.0 --insecure --announce testcontainers "$@" ;;
    *) exec "$@" ;;
esac
