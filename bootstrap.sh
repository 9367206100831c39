#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh Debian 12 to a running demonstration: ./bootstrap.sh help
set -u
cd "$(dirname "$0")" || exit 1
top=$PWD
build=$top/build
logs=$build/log
cache=${CHAOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaos}
xenhost=$top/tests/host/xenhost
jobs=${JOBS:-$(nproc)}
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

usage() {
    cat <<'EOF'
usage: ./bootstrap.sh COMMAND

  demo    build everything, start a guest on an emulated Xen host, ask it for the time
  test    build everything, run every test
  shell   build everything, a root prompt in dom0 of an emulated Xen host
  build   build everything
  clean   remove what was built here (-a: and the cache that all trees share)

Settings (environment): JOBS, CHAOS_CACHE (downloads, hypervisor, dom0 image; default ~/.cache/chaos),
CHAOS_MIRROR and CHAOS_SECURITY_MIRROR (Debian mirrors).
EOF
}

die() {
    echo "bootstrap.sh: $*" >&2
    exit 1
}

# ---- the steps: title|function ----

steps='
Debian packages|install_packages
user space|build_user_space
kernel module|build_module
guests|build_guests
Xen hypervisor|build_xen
dom0 image|build_image
boot of the emulated host|build_snapshot
'
test_steps='fuzzers|build_fuzzers
user space with sanitizers|build_sanitized
'

missing_packages() {
    comm -23 <(sed -e 's/ *#.*//' -e '/^$/d' tests/host/packages | sort) \
        <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii *//p' | sort)
}

install_packages() {
    local missing
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "${missing% }" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "Not root, so install these packages first: apt-get install -y --no-install-recommends $missing"
        return 1
    fi
    echo "installing $missing"
    # An installation that was interrupted.
    dpkg --configure -a
    apt-get -o DPkg::Lock::Timeout=300 update
    # shellcheck disable=SC2086 # a list of words
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends $missing && return
    echo "apt-get could not install these packages; is the network there, and do apt's sources name bookworm's main?"
    return 1
}

build_user_space() {
    cmake -S . -B build && cmake --build build -j "$jobs"
}

build_fuzzers() {
    cmake -S . -B build -DCHAOS_BUILD_FUZZERS=ON && cmake --build build -j "$jobs"
}

build_sanitized() {
    cmake -S . -B build/asan -DCHAOS_SANITIZE=address,undefined &&
        cmake --build build/asan -j "$jobs"
}

build_module() {
    local headers
    headers=$("$xenhost" kernel-headers) &&
        make -C noxs-kmod KDIR="$headers" OUT="$build/noxs-kmod"
}

build_guests() {
    make -C minios-guests -j "$jobs" O="$build/guests"
}

build_xen() {
    JOBS=$jobs "$xenhost" build xen
}

build_image() {
    "$xenhost" build image
}

build_snapshot() {
    "$xenhost" build snapshot
}

# ---- running a step, with its progress ----

# The last line that a step wrote, or what it runs into a log of the cache; cut to fit behind the title.
latest() {
    local newest=$1 file
    for file in "$cache"/log/*.log; do
        if [ -s "$file" ] && [ "$file" -nt "$newest" ]; then
            newest=$file
        fi
    done
    tail -n 1 "$newest" 2>/dev/null | tr -d '\r\t' | cut -c 1-50
}

watch_step() {
    local pid=$1 label=$2 log=$3 start=$4 shown=0
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        local elapsed=$((SECONDS - start))
        [ $elapsed -gt $shown ] || continue
        if [ -t 1 ]; then
            printf '\r\033[K%s ... %s s  %s' "$label" $elapsed "$(latest "$log")"
            shown=$elapsed
        elif [ $elapsed -ge $((shown + 30)) ]; then
            echo "$label ... $elapsed s so far  $(latest "$log")"
            shown=$elapsed
        fi
    done
}

# The process group that does the work now.
running=

# begin COMMAND...: in a process group of its own, so that an interruption reaches all of it.
begin() {
    set -m
    "$@" &
    running=$!
    set +m
}

# interrupted STATUS
interrupted() {
    trap - INT TERM HUP
    if [ -n "$running" ]; then
        echo
        echo "bootstrap.sh: interrupted; ending the step"
        kill -TERM -- "-$running" 2>/dev/null
        wait "$running" 2>/dev/null
        echo "bootstrap.sh: the same command goes on from here"
    fi
    exit "$1"
}

# One at a time builds in a tree.
lock_tree() {
    mkdir -p "$logs" || exit 1
    exec 9>"$build/lock"
    flock -n 9 && return
    echo "another bootstrap.sh works in this folder; waiting for it to end"
    flock 9
}

# run_step LABEL FUNCTION
run_step() {
    local label=$1 log=$logs/$2.log start=$SECONDS status
    [ ! -t 1 ] || printf '%s ...' "$label"
    begin "$2" >"$log" 2>&1 </dev/null 9>&-
    watch_step "$running" "$label" "$log" $start
    wait "$running"
    status=$?
    running=
    [ ! -t 1 ] || printf '\r\033[K'
    if [ $status -ne 0 ]; then
        echo "$label ... FAILED after $((SECONDS - start)) s; the end of $log:"
        tail -n 20 "$log" | sed 's/^/    /'
        exit 1
    fi
    echo "$label ... $((SECONDS - start)) s"
}

# build_all [MORE STEPS]
build_all() {
    local all=$steps${1:-} total index=0 title function
    grep -qs '^12' /etc/debian_version && [ "$(uname -m)" = x86_64 ] ||
        die "this needs Debian 12 on x86-64 (its compiler, Xen and kernel packages)"
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM HUP
    lock_tree
    total=$(echo "$all" | grep -c '|')
    while IFS='|' read -r title function; do
        [ -n "$title" ] || continue
        index=$((index + 1))
        run_step "[$index/$total] $title" "$function" || exit 1
    done <<<"$all"
}

# ---- the commands ----

start_host() {
    exec 9>&- # what is built stays as it is; others may go on
    export XENHOST_NAME=$1-$$
    trap '"$xenhost" down >/dev/null 2>&1' EXIT
    "$xenhost" up || exit 1
}

demo() {
    build_all
    start_host demo
    "$xenhost" push tests/host/demo.sh /root/ || exit 1
    "$xenhost" exec --timeout 300 -- /root/demo.sh || die "the demonstration failed"
}

shell() {
    build_all
    start_host shell
    cat <<'EOF'

A root prompt in dom0 of an emulated Xen host. Its clock counts instructions, so `sleep 100` is short.
The module and xendevd are started. Try:

    chaos create --timing /root/guests/daytime.cfg
    chaos list
    chaos console daytime            # leave it with ctrl-]
    nc -d 10.0.0.2 13                # ask the guest for the time
    chaos destroy daytime
    start-xenstored && xl list       # the stock tools, for comparison

`exit` stops the host.

EOF
    "$xenhost" exec -- /usr/local/sbin/start-chaos </dev/null || die "dom0 does not take our module or xendevd"
    "$xenhost" shell
    return 0
}

# ctest_lines CTEST OPTION...
ctest_lines() {
    ctest "$@" 2>/dev/null | show_tests
}

# Shows each test that ended and, when none did for a minute, what still runs.
show_tests() {
    local start=$SECONDS part='' line status waiting=' '
    while :; do
        IFS= read -r -t 60 line
        status=$?
        part+=$line
        if [ $status -gt 128 ]; then
            echo "    $((SECONDS - start)) s so far, running:$waiting"
            continue
        fi
        [ $status -eq 0 ] || break
        if [[ $part =~ ^\ *Start\ +[0-9]+:\ (.*) ]]; then
            waiting+="${BASH_REMATCH[1]} "
        elif [[ $part =~ ^\ *[0-9]+/[0-9]+\ Test\ +#[0-9]+:\ ([^\ ]+) ]]; then
            waiting=${waiting/ ${BASH_REMATCH[1]} / }
            echo "$part"
        fi
        part=''
    done
}

# run_tests FOLDER [CTEST OPTION...]: prints a line a test; FOLDER/tests.xml has the results.
run_tests() {
    local folder=$1
    shift
    rm -f "$folder/tests.xml"
    begin ctest_lines --test-dir "$folder" -j "$jobs" --output-junit "$folder/tests.xml" "$@" </dev/null 9>&-
    wait "$running"
    running=
    [ -s "$folder/tests.xml" ] || die "ctest did not run; see $folder/Testing/Temporary"
}

test_all() {
    build_all "$test_steps"
    local start=$SECONDS
    echo "the tests; the whole output of each: $build/Testing/Temporary/LastTest.log"
    run_tests "$build"
    echo "the tests that need no host again, with sanitizers"
    run_tests "$build/asan" --label-exclude 'host|whole|lint'
    echo "tests took $((SECONDS - start)) s"
    .ci/summary "$build/tests.xml" "$build/asan/tests.xml"
}

clean() {
    rm -rf "$build"
    if [ "${1:-}" = -a ]; then
        rm -rf "$cache"
    fi
}

case "${*:-help}" in
demo) demo ;;
shell) shell ;;
test) test_all ;;
build) build_all ;;
clean | 'clean -a') clean "${2:-}" ;;
help | -h | --help) usage ;;
*)
    usage >&2
    die "unknown command '$*'"
    ;;
esac
