#!/usr/bin/env bash
# lab.sh SPILLWAY SUITE REPORT CLASS [FLAGS...]: the conformance suite, a test binary, against a lab of one cluster of its own.
set -euo pipefail
spillway=$1 suite=$2 report=$3 class=$4
shift 4
cluster=gke-west-1
base=$(mktemp -d "${TMPDIR:-/tmp}/spillway-conformance-XXXXXX")
export XDG_STATE_HOME=$base/state XDG_RUNTIME_DIR=$base/run # no lab of the user's
mkdir -m 700 -p "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR"
end() { "$spillway" lab down || true; rm -rf "$base"; }
trap end EXIT
"$spillway" lab up --clusters "$cluster"
echo "waiting for GatewayClass $class"
left=60
until "$spillway" lab exec -- kubectl --context "$cluster" wait --for=condition=Accepted --timeout=60s "gatewayclass/$class" 2>"$base/wait"; do
  left=$((left - 1))
  if [ "$left" = 0 ] || ! grep -q NotFound "$base/wait"; then cat "$base/wait"; exit 1; fi
  sleep 1
done
# The base manifests' DNS server is only asked by tests of UDP routes; its Pods have to be Ready.
"$spillway" lab exec -- kubectl --context "$cluster" apply -f - <<'Y'
apiVersion: spillway.dev/v1alpha1
kind: Configuration
metadata: {name: spillway}
spec:
  images:
  - {image: registry.k8s.io/coredns/coredns*, command: [sh, -c, exec sleep infinity]}
Y
echo "running the suite for class $class (one to two minutes)"
"$spillway" lab exec -- "$suite" -test.run TestConformance -test.timeout 40m -context "$cluster" -gateway-class "$class" \
  -report-output "$report" "$@"
echo "the report: $report"
