# SPDX-License-Identifier: BSD-3-Clause
# Consoles through chaosd: logs, those who look on and who types, floods, kill -9.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
printf '[pools]\nadaptive = no\n' > /tmp/chaosd.conf

serve() {
    chaosd -f -c /tmp/chaosd.conf >> /tmp/chaosd.log 2>&1 &
    disown
    wait_for 5 chaos events --no-follow
}

no_chaosd() {
    ! pidof chaosd
}

log_shows() { # NAME PATTERN
    chaos logs "$1" | grep -Eq -- "$2"
}

basis
chaos create "$GUESTS/noop.cfg" name=early
sleep 0.2
serve
check "what a guest said before chaosd came is in its log" wait_for 5 log_shows early '^noop: up'
check "create" chaos create "$GUESTS/noop.cfg"
check "its log" wait_for 5 log_shows noop '^noop: up'
check_output '^noop: up' "console --no-follow shows the same" chaos console --no-follow noop
check_output '^noop: up' "a console that is attached begins with it" sh -c 'sleep 0.3 | timeout 0.6 chaos console noop; true'
check "create -c, with a guest's first words" \
    sh -c "sleep 0.5 | timeout 1 chaos create -c $GUESTS/noop.cfg name=first | grep '^noop: up'"
check_exit 3 'nobody' "logs of a guest that is not there" chaos logs nobody
check_exit 2 'lines' "logs --tail of nonsense" chaos logs --tail x noop

note "what is typed arrives; the second one only looks on"
mkfifo /tmp/typed
chaos console noop < /tmp/typed > /tmp/console.out 2>&1 &
console_job=$!
exec 9> /tmp/typed
sleep 0.2
check_output 'has this console' "a second one is told who has it" \
    sh -c 'sleep 0.3 | timeout 0.6 chaos console noop 2>&1; true'
echo hello >&9
sleep 0.3
check "the first one is still there" kill -0 "$console_job"
check "destroy" chaos destroy noop
sleep 0.3
check "which ends its console" sh -c "! kill -0 $console_job"
exec 9>&-
check_output '^noop: up' "its log is kept for a while" chaos logs noop

chaos create "$GUESTS/noop.cfg" name=web
chaos logs -f web > /tmp/follow &
follow_job=$!
sleep 0.2
chaos reboot web
sleep 0.5
check "logs -f goes on through a reboot" test "$(grep -c '^noop: up' /tmp/follow)" -eq 2
chaos destroy web
sleep 0.3
check "and ends with the guest" sh -c "! kill -0 $follow_job"

note "a flood"
forgets() { # NAME: its log says how much is not kept any more
    chaos logs "$1" 2>&1 > /dev/null | grep -q 'bytes before these are not kept'
}

chaos create "$GUESTS/chatty.cfg"
chaos create "$GUESTS/noop.cfg" name=calm
check "others are heard all the same" wait_for 5 log_shows calm '^noop: up'
# How much of it is read depends on who gets the processors when: the ring drops what does not fit.
check "it says how much is not kept" wait_for 60 forgets chatty
size=$(chaos logs chatty 2> /dev/null | wc -c)
check "16 KiB are ($size bytes)" test "$size" -le 16384 -a "$size" -gt 8000
memory=$(awk '/VmRSS/ { print $2 }' "/proc/$(pidof chaosd)/status")
check "chaosd is not larger for it ($memory KiB)" test "$memory" -lt 8192
chaos destroy chatty
chaos create "$GUESTS/chatty.cfg" cmdline='"lines=30000"'
check "a flood that ends passes" wait_for 60 log_shows chatty 'chatty: 30000 lines'
chaos destroy chatty

note "kill -9"
pkill -KILL -x chaosd
wait_for 5 no_chaosd
check_output '' "without chaosd a console is what it was" chaos console --no-follow calm
check_exit 9 'chaosd does not answer' "and there are no logs" chaos logs calm
serve
chaos create "$GUESTS/noop.cfg" name=after
check "the next chaosd has them again" wait_for 5 log_shows after '^noop: up'
check "also of those that were there" chaos logs calm
chaos destroy calm early after first
pkill -TERM -x chaosd
wait_for 5 no_chaosd
rm -f /run/chaos/chaosd.*
leakcheck
finish
