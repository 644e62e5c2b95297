#!/bin/sh
# make test: everything that can be tested on this machine, on a fresh one too. What cannot run here says why, as the
# tests on a Kubernetes cluster do where make test-kubernetes has not built one.
# Leaves the counts of the runs in tests/results (git-ignored), where .ci/run reads them.
set -eu
CDPATH='' cd "$(dirname "$0")/.."

tools/setup.sh --check
# shellcheck source=tools/env.sh
. ./tools/env.sh
rm -rf tests/results
mkdir -p tests/results
failed=0
# Of the processor time of Pulumi's many short lives Go's garbage collection is a good part: a third of `pulumi version`.
export GOGC=400
# First the tests that need no machines, then the stories and the simulated EC2. Several files at a time, because tests wait a
# lot, stories most; each file has its own folders, ports and machines. The compile cluster's nodes have a core each, and get
# jobs by how fast they were: its story is alone.
stories='/tests/e2e/|/tests/ec2/|/tests/kubernetes/|/simulated-ec2/(tests|provider)/'
alone=/tests/e2e/compileCluster
npx jest --maxWorkers=5 --testPathIgnorePatterns "$stories" /tools/bin/ --json --outputFile tests/results/unit.json || failed=1
npx jest --runInBand --testPathPatterns "$alone" --json --outputFile tests/results/alone.json || failed=1
npx jest --maxWorkers=4 --testPathPatterns "$stories" --testPathIgnorePatterns "$alone" /tools/bin/ \
    --json --outputFile tests/results/endToEnd.json || failed=1
exit "$failed"
