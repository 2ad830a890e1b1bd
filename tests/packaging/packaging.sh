#!/usr/bin/env bash
# Builds poolscope as its users have it, installs it into an empty prefix, and
# builds, runs and scrapes services there that know nothing of this tree.
#
# Prints "ok RULE" or "not ok RULE" for each check, and on standard error why it
# does not hold. Exits with 0 when all hold. usage: packaging.sh
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
all_hold=0

# check RULE COMMAND...: the rule holds when the command succeeds.
check() {
  local rule=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "ok packaging: $rule"
  else
    echo "not ok packaging: $rule"
    { echo "packaging: $rule:"; tail -n 30 "$work/log"; } >&2
    all_hold=1
  fi
}

# Whoever installs wants speed; this wants to know soon whether it builds.
configure_and_build() {
  cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_INSTALL_PREFIX=/usr &&
    cmake --build "$work/build"
}

# lib, or lib/x86_64-linux-gnu below /usr.
library_dir() {
  dirname "$(find "$prefix" -name libpoolscope.so)"
}

same_sources() {
  local bazel cmake
  bazel=$(bazel query --noshow_progress --ui_event_filters=-info,-debug \
    'filter("\.cc$", kind("source file",
       deps(//allocator/... + //metrics/... + //exporter/...)))' |
    grep -E '^//(allocator|metrics|exporter)' | sed 's|^//||; s|:|/|' | sort)
  cmake=$(sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",\{0,1\}$|\1|p" \
    "$work/build/compile_commands.json" |
    grep -E '^(allocator|metrics|exporter)/' | sort -u)
  diff <(echo "$bazel") <(echo "$cmake") && [ -n "$cmake" ]
}

# Outside of poolscope's names, a program that loads the library sees nothing.
exports_poolscope_alone() {
  local exported kinds='typeinfo|typeinfo name|vtable|VTT|guard variable'
  local of_names="(($kinds|TLS (init|wrapper) function|non-virtual thunk) (for|to) )"
  exported=$(nm --dynamic --defined-only --demangle "$(library_dir)/libpoolscope.so" |
    cut -d' ' -f3-)
  grep -q '^poolscope_allocate$' <<<"$exported" &&
    grep -q '^poolscope::Sidecar::Start(' <<<"$exported" &&
    ! grep -vE "^(poolscope_|$of_names?poolscope::)" <<<"$exported"
}

each_header_is_installed() {
  diff <(cd "$prefix/include/poolscope" && find . -name '*.h' | sort) \
    <(find ./allocator ./metrics ./exporter -name '*.h' \
      -not -path './exporter/nmt/*' -not -path './exporter/preload/*' \
      -not -path './exporter/ui/*' | sort)
}

build_consumers() {
  cmake -S tests/packaging/consumer -B "$work/consumer" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/consumer"
}

build_with_pkg_config() {
  export PKG_CONFIG_PATH
  PKG_CONFIG_PATH=$(library_dir)/pkgconfig
  # shellcheck disable=SC2046
  g++ -std=c++17 tests/packaging/consumer/service.cc -o "$work/service-pc" \
    $(pkg-config --cflags --libs poolscope)
}

# answers URL PATTERN: a line of the answer has it.
answers() {
  curl -sS "$1" >"$work/answer" && grep -q "$2" "$work/answer"
}

# Runs PROGRAM, scrapes it and reads its report.
serves() {
  local url code=0
  coproc service { LD_LIBRARY_PATH=$(library_dir) exec "$1"; }
  local pid=$service_PID input=${service[1]}
  read -r -t 30 url <&"${service[0]}" || return 1
  answers "$url/metrics" \
    '^poolscope_direct_memory_used_bytes{allocator="consumer"} [1-9]' || code=1
  answers "$url/debug/memory" 'Pool Arenas' || code=1
  answers "$url/" '<title>poolscope' || code=1
  exec {input}>&-
  wait "$pid" || code=1
  return "$code"
}

# Runs cat(1) with the library to preload, scrapes it and ends it.
serves_what_it_is_loaded_into() {
  local port_file=$work/port code=0 tries
  coproc program {
    LD_PRELOAD=$(library_dir)/libpoolscope-sidecar.so \
      POOLSCOPE_LISTEN=127.0.0.1:0 POOLSCOPE_PORT_FILE=$port_file exec cat
  }
  local pid=$program_PID input=${program[1]}
  for ((tries = 0; tries < 300; ++tries)); do
    [ -e "$port_file" ] && break
    sleep 0.1
  done
  answers "http://127.0.0.1:$(<"$port_file")/metrics" \
    '^process_resident_memory_bytes [1-9]' || code=1
  exec {input}>&-
  wait "$pid" || code=1
  return "$code"
}

# Sends standard input to a service at ADDRESS, and prints SIZE bytes that come
# back: through ADDRESS SIZE.
through() {
  local peer code=0
  exec {peer}<>"/dev/tcp/${1/://}" || return
  cat >&"$peer"
  timeout 30 head -c "$2" <&"$peer" || code=$?
  exec {peer}>&-
  return "$code"
}

# What EXAMPLE, at ADDRESS, sends back of "hello", in its own protocol.
hello() {
  case $1 in
    civetweb_service) curl -sS --data-binary hello "http://$2/echo" ;;
    exposer_service)
      printf '\0\0\0\0\5hello' | through "$2" 10 | tail -c 5
      ;;
    *) printf hello | through "$2" 5 ;;
  esac
}

# Runs EXAMPLE, has it send something back, scrapes it and ends it: the pool was
# used, and a line has PATTERN.
example_serves() {
  local example=$1 pattern=$2 address url code=0
  coproc program { exec "$work/consumer/$example"; }
  local pid=$program_PID
  read -r -t 30 _ address <&"${program[0]}" &&
    read -r -t 30 _ url <&"${program[0]}" || return 1
  [ "$(hello "$example" "$address")" = hello ] || code=1
  answers "$url" '^poolscope_arena_allocations_total{[^}]*} [1-9]' || code=1
  answers "$url" "$pattern" || code=1
  kill -TERM "$pid"
  wait "$pid" || code=1
  return "$code"
}

# A workspace beside this one, as README.md shows it.
build_in_another_workspace() {
  local other=$work/workspace repository
  mkdir "$other" && cp tests/packaging/consumer/service.cc .bazelrc "$other" &&
    {
      echo 'workspace(name = "other")'
      echo "local_repository(name = \"poolscope\", path = \"$PWD\")"
      # Its dependencies are told by each workspace, under the same names.
      sed -n '/^local_repository/,/^)/p; /^new_local_repository/,/^)/p' \
        WORKSPACE | sed "s|\"third_party/|\"$PWD/third_party/|"
    } >"$other/WORKSPACE" &&
    cat >"$other/BUILD.bazel" <<'END' || return
cc_binary(
    name = "service",
    srcs = ["service.cc"],
    copts = ["-std=c++17"],
    linkopts = ["-pthread"],
    deps = [
        "@poolscope//allocator/pool:pool_memory_resource",
        "@poolscope//allocator/pool:pooled_allocator",
        "@poolscope//exporter:sidecar",
    ],
)
END
  (cd "$other" && bazel build //:service && cp -L bazel-bin/service "$work")
  local code=$?
  (cd "$other" && bazel shutdown)
  return "$code"
}

builds_a_debian_package() {
  (cd "$work/build" && cpack -G DEB -B "$work/deb") &&
    dpkg-deb --contents "$work"/deb/*.deb >"$work/contents" &&
    grep -q 'usr/lib/[^/]*-linux-gnu/libpoolscope\.so\.0\.[0-9]* ->' "$work/contents" &&
    grep -q 'usr/include/poolscope/exporter/sidecar.h' "$work/contents" &&
    grep -q 'usr/bin/poolscope-nmt' "$work/contents" &&
    [[ $(dpkg-deb --field "$work"/deb/*.deb Depends) = *libabsl*libssl* ]]
}

check "CMake builds the library" configure_and_build
check "Bazel and CMake build the same sources" same_sources
check "it installs" cmake --install "$work/build" --prefix "$prefix"
check "every header is installed" each_header_is_installed
check "the shared library exports poolscope's names alone" \
  exports_poolscope_alone
check "services that find it with CMake build" build_consumers
for kind in static shared default c; do
  check "a service runs, $kind" serves "$work/consumer/service-$kind"
done
for example in asio_server epoll_server civetweb_service; do
  check "an example runs, $example" example_serves "$example" \
    '^poolscope_scrape_success{collector="pool"} 1'
done
check "an example runs, exposer_service" example_serves exposer_service \
  '^rpc_calls_total{code="OK"} 1'
check "a service that finds it with pkg-config builds" build_with_pkg_config
check "a service runs, pkg-config" serves "$work/service-pc"
check "poolscope-nmt runs" "$prefix/bin/poolscope-nmt" --help
check "poolscope-blackbox runs" "$prefix/bin/poolscope-blackbox" --help
check "a program runs that it is loaded into" serves_what_it_is_loaded_into
check "it is packaged for Debian" builds_a_debian_package
check "a service builds in another Bazel workspace" build_in_another_workspace
check "a service runs, Bazel" serves "$work/service"
exit "$all_hold"
