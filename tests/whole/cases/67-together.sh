# SPDX-License-Identifier: BSD-3-Clause
# host: --plain --smp
# Six who know nothing of each other create, destroy, save, restore and rename guests of the same four names. Each does what
# it was asked to or says why not, and nothing is left. CASE_SEED: other orders; CASE_OPS: more of them.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
mkdir /dev/shm/files
basis

anything() { # of ten things
    local name=g$((RANDOM % 4)) file=/dev/shm/files/$((RANDOM % 3))
    case $((RANDOM % 10)) in
        0 | 1 | 2) chaos create "$GUESTS/noop.cfg" "name=$name" ;;
        3) create_daytime "$name" $((20 + RANDOM % 200)) ;;
        4) chaos destroy "$name" ;;
        5) chaos save "$name" "$file" ;;
        6) chaos save -c "$name" "$file" ;;
        7) chaos restore --name "$name" "$file" ;;
        8) chaos rename "$name" g$((RANDOM % 4)) ;;
        9) chaos list ;;
    esac
}

worker() { # NUMBER: a line each time, "STATUS output"
    local i output status
    RANDOM=$((${CASE_SEED:-1} * 100 + $1))
    for ((i = 0; i < ${CASE_OPS:-40}; i++)); do
        status=0
        output=$(anything 2>&1) || status=$?
        echo "$status ${output//$'\n'/ }"
    done
}

together() { # into /tmp/outcomes
    local number pids=()
    for number in 1 2 3 4 5 6; do
        worker "$number" > "/tmp/outcomes.$number" &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat /tmp/outcomes.? > /tmp/outcomes
}

# There is none (3), the name is taken (4), or another is saving it: all else is wrong.
unexpected() {
    grep -Ev '^(0|3 chaos .*(no domain|is gone|destroyed|No such file)|4 chaos .*exists already|1 chaos save: .*another process is saving)' \
        /tmp/outcomes
}

clear_names() {
    local name
    for name in g0 g1 g2 g3; do
        chaos destroy "$name" > /dev/null 2>&1
    done
}

all_together() { # HOW
    together
    check_exit 1 '^$' "$1: each did what it was to, or said why not" unexpected
    check "$1: many did" test "$(grep -c '^0' /tmp/outcomes)" -gt $((${CASE_OPS:-40} * 2))
    clear_names
    check "$1: no guest is left" test "$(chaos list -q | wc -l)" -eq 1
    check "$1: nothing is half made" nothing_is_pending
}

all_together "without chaosd"
fixed_pools '[pool web]' 'memory = 3' 'vif = xenbr0' 'low = 4' '[pool noop]' 'memory = 1' 'low = 4'
chaosd -c /tmp/chaosd.conf
all_together "through chaosd"
kill "$(pidof chaosd)"
check "chaosd ends" wait_for 30 sh -c '! pidof chaosd'
rm -rf /dev/shm/files /run/chaos/chaosd.*
wait_for 30 sh -c '! ip -o link | grep -q vif'
leakcheck
finish
