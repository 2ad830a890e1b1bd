#!/usr/bin/env bash
# Holds the layers of the project, by queries over the graph of targets:
#
#   allocator    knows nothing of Prometheus, HTTP, metrics or the exporter
#   pool         knows nothing of leaks, buffers and outbound queues
#   leak         knows nothing of the pool: it is told of blocks by their ids
#   buffer       knows nothing of outbound queues
#   metrics      sees the values of pool and outbound, never their internals
#   civetweb     is used by what mounts pages in another's server alone
#   openssl      is used by TLS and the hook that counts its memory alone
#   googletest   is used by tests alone, as is Google Benchmark by benchmarks
#
# Prints "ok RULE" or "not ok RULE" for each, and for the latter, on standard
# error, the targets that break it. A query that finds nothing because it was
# asked for nothing would pass, so each is asked a second time for something
# that must be there. Exits with 0 when every rule holds.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit

all_hold=0

query() {
  bazel query --noimplicit_deps --notool_deps --noshow_progress \
    --noshow_loading_progress --ui_event_filters=-info,-debug "$1"
}

# What TARGETS depend on, themselves included, in one of the PLACES, each a
# repository (@civetweb) or a folder (//metrics): within TARGETS PLACE...
within() {
  local targets=$1 places
  shift
  places=$(IFS='|' && echo "$*")
  query "filter('^($places)([/:]|\$)', deps($targets))"
}

verdict() {
  local rule=$1 problem=$2
  if [ -z "$problem" ]; then
    echo "ok layering: $rule"
    return
  fi
  echo "not ok layering: $rule"
  printf 'layering: %s\n%s\n' "$rule" "$problem" >&2
  all_hold=1
}

# never RULE TARGETS CONTROL PLACE...: TARGETS depend on nothing in any PLACE.
# They do depend on something in CONTROL, a place too.
never() {
  local rule=$1 targets=$2 control=$3 found
  shift 3
  if ! found=$(within "$targets" "$@"); then
    found="the query over $targets failed"
  elif [ -z "$found" ] && [ -z "$(within "$targets" "$control")" ]; then
    found="$targets do not depend on $control either: was it renamed?"
  fi
  verdict "$rule" "$found"
}

# exactly RULE QUERY EXPECTED: the query finds the lines EXPECTED, in any order.
exactly() {
  local rule=$1 found
  if ! found=$(query "$2" | sort); then
    verdict "$rule" "the query $2 failed"
  elif [ "$found" != "$(sort <<<"$3")" ]; then
    verdict "$rule" "expected:"$'\n'"$3"$'\n'"found:"$'\n'"${found:-nothing}"
  else
    verdict "$rule" ""
  fi
}

# But for test support: what is `testonly`.
library="//allocator/... + //metrics/... + //exporter/... \
  - attr(testonly, 1, //allocator/...)"

never "allocator does not know Prometheus, HTTP, metrics or the exporter" \
  //allocator/... @com_google_absl \
  @com_github_jupp0r_prometheus_cpp @civetweb //metrics //exporter
never "base depends on nothing but base" \
  //allocator/base/... @com_google_absl \
  //allocator/{pool,leak,buffer,outbound}
never "pool does not know leaks, buffers or outbound queues" \
  //allocator/pool/... //allocator/base \
  //allocator/{leak,buffer,outbound}
never "leak knows nothing but base: neither the pool nor buffers" \
  //allocator/leak/... //allocator/base \
  //allocator/{pool,buffer,outbound}
never "buffer does not know outbound queues" \
  //allocator/buffer/... //allocator/pool \
  //allocator/outbound
never "metrics does not know HTTP or the exporter" \
  //metrics/... @com_github_jupp0r_prometheus_cpp \
  @civetweb //exporter
exactly "metrics sees the values of the pool, not its parts" \
  "kind('cc_library rule', filter('^//allocator/pool:', deps(//metrics/...)))" \
  "//allocator/pool:allocator_stats
//allocator/pool:pool_range"
never "metrics sees what a leak detector says, not the detector" \
  //metrics/... //allocator/leak \
  //allocator/leak:leak_detector
exactly "metrics sees the values of outbound queues, not their parts" \
  "kind('cc_library rule', filter('^//allocator/outbound:', \
    deps(//metrics/...)))" \
  "//allocator/outbound:admission_policy
//allocator/outbound:memory_governor_stats
//allocator/outbound:outbound_failure
//allocator/outbound:outbound_stats"
exactly "what mounts pages in a civetweb server alone uses civetweb" \
  "kind('cc_library rule', rdeps(//..., @civetweb//:all, 1)) - @civetweb//:all" \
  "//exporter/civetweb:civetweb_mount"
exactly "TLS, and the hook that counts OpenSSL's memory, alone use OpenSSL" \
  "kind('cc_library rule', rdeps(//..., @openssl//:all, 1)) \
    - @openssl//:all - attr(testonly, 1, //tests/...)" \
  "//exporter/tls:tls_security
//exporter/tls:tls_transport
//metrics/native_memory:openssl_memory"
never "a sidecar without TLS needs no OpenSSL, nor does the preloaded one" \
  "//exporter:sidecar + //exporter/preload/..." @com_google_absl \
  @openssl //exporter/tls
never "the library does not depend on googletest or Google Benchmark" \
  "$library" @com_google_absl \
  @com_google_googletest @com_github_google_benchmark
never "the library does not depend on examples, tests or benchmarks" \
  "$library" @com_google_absl //examples //tests //bench

exit "$all_hold"
