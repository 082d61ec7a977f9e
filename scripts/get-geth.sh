#!/usr/bin/env bash
# Makes the geth that some tests of packages/ledger run where it is there (about ten minutes on two cores). Needs Go and a C compiler.
# 1.13.15 is the last geth that brings a chain of its own along without another program to drive it, in every mode.
set -euo pipefail
cd "$(dirname "$0")/.."
# A dependency of it reaches into Go's runtime, which Go 1.23 and later ask to be told.
GOBIN="$PWD/.nodes" go install -p 1 -ldflags=-checklinkname=0 github.com/ethereum/go-ethereum/cmd/geth@v1.13.15
