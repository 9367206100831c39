# SPDX-License-Identifier: BSD-3-Clause
# What chaosd does about guests that end: on_poweroff, on_reboot, on_crash, restarts with back-off, events,
# and all of it through kill -9.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
printf '[pools]\nadaptive = no\n' > /tmp/chaosd.conf

serve() { # [COMMAND...]: chaosd in the background, under COMMAND
    "$@" chaosd -f -c /tmp/chaosd.conf >> /tmp/chaosd.log 2>&1 &
    disown
    wait_for 5 chaos events --no-follow
}

stop() { # SIGNAL
    pkill -"$1" -x chaosd
    wait_for 5 no_chaosd
}

no_chaosd() {
    ! pidof chaosd
}

is_gone() { # NAME
    ! chaos domid "$1" > /dev/null 2>&1
}

runs() { # NAME: it is there, and has not ended
    [[ $(domain_state "$1") =~ ^[-r][-b]---- ]]
}

runs_anew() { # NAME FORMER-ID
    [ "$(chaos domid "$1" 2> /dev/null)" != "$2" ] && runs "$1"
}

half_done() {
    find /run/chaos/pending /run/chaos/restarts -type f
}

kinds() { # NAME: the kinds of its events, in order
    chaos events --no-follow -o json |
        python3 -c 'import json, sys
print(*(e["event"] for e in map(json.loads, sys.stdin) if e.get("name") == sys.argv[1]))' "$1"
}

basis
serve
check "create" chaos create "$GUESTS/noop.cfg"
check "create without the daemon" chaos create --no-daemon "$GUESTS/noop.cfg" name=other
check "shutdown, which returns at once" chaos shutdown noop other
check "on_poweroff is destroy: both go" wait_for 5 is_gone noop
check "also the one that was made without the daemon" wait_for 5 is_gone other
check_output '^created started shutdown destroyed$' "which its events tell" kinds noop
check_output '^created started shutdown destroyed$' "and the other one's" kinds other
check_output '"event": "shutdown".*"reason": "poweroff"' "with the reason" chaos events --no-follow -o json

check "on_poweroff is preserve" chaos create "$GUESTS/noop.cfg" 'on_poweroff="preserve"'
check "shutdown" chaos shutdown -w noop
check_output '---s--' "it stays" domain_state noop
check_output 'shutdown preserved$' "which is told" kinds noop
check "destroy" chaos destroy noop

chaos create "$GUESTS/noop.cfg" name=again
id=$(chaos domid again)
uuid=$(chaos info again | awk '/^uuid/ { print $3 }')
check "reboot" chaos reboot again
check "on_reboot is restart: it runs again" runs_anew again "$id"
check "as what it was" test "$(chaos info again | awk '/^uuid/ { print $3 }')" = "$uuid"
check_output '^created started shutdown restarted$' "once" kinds again
check "rename" chaos rename again new
sleep 0.1
check_output '^renamed$' "is told" kinds new
check "destroy" chaos destroy new

check "a guest that crashes at once" chaos create "$GUESTS/crash.cfg" 'on_crash="restart"'
sleep 5
check_output '(crashed restarted )(crashed backoff restarted ){2,}' "is restarted, ever more seldom" kinds crash
restarts=$(kinds crash | grep -o restarted | wc -l)
check "five seconds are $restarts restarts" test "$restarts" -ge 3 -a "$restarts" -le 6
check_output 'restart in [0-9.]+ s' "the events say when" chaos events --no-follow
check_output '([Pp]age fault[^@]*){2}' "its log has the words of several lives" sh -c 'chaos logs crash | tr "\n" @ | sed s/@/,/g'
check "destroy in between" chaos destroy crash
sleep 5
check "is the end of it" is_gone crash
latency=$(chaos events --no-follow -o json | python3 -c 'import json, sys
from datetime import datetime
made = 0
for e in map(json.loads, sys.stdin):
    t = datetime.fromisoformat(e["time"].rstrip("Z")).timestamp()
    if e.get("name") == "crash" and e["event"] in ("created", "restarted"):
        made = t
    if e.get("name") == "crash" and e["event"] == "crashed":
        print(round((t - made) * 1e6))' | sort -n | tail -n 1)
check "its crashes were noticed at most $latency us after it was made" test "${latency:-99999}" -lt 20000

check "on_crash is destroy" chaos create "$GUESTS/crash.cfg"
check "it goes" wait_for 5 is_gone crash

note "ends while chaosd is away"
chaos create "$GUESTS/noop.cfg" name=off
chaos create "$GUESTS/noop.cfg" name=stays
sleep 0.2
stop KILL
chaos create "$GUESTS/crash.cfg" 'on_crash="restart"'
chaos shutdown off
pkill -KILL -x chaos # who waits for it in the background
sleep 0.5
serve
check "what happened while it was away is done now" wait_for 5 is_gone off
check "the guest that runs was let be" runs stays
check "and is known" chaos logs stays
sleep 1
check_output 'crashed restarted' "the one that crashed is restarted" kinds crash
check_output '^restarts +: [1-9]' "info tells how often" chaos info crash
check_output '^lifecycle +: (backoff|restarting)' "and that it waits" chaos info crash
check "destroy" chaos destroy crash stays

# kill -9 at each of the calls that change records, in the midst of a restart.
chaos create "$GUESTS/noop.cfg" name=web 'on_poweroff="restart"' on_reboot=restart
wait_for 5 console_shows web '^noop: up'
swept=0
lost=0
for call in linkat renameat2 unlinkat symlinkat; do
    for occurrence in 1 2 3 4 5 6 7 8; do
        stop KILL
        serve strace -f -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$occurrence"
        id=$(chaos domid web)
        chaos shutdown web 2> /dev/null
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            pidof chaosd > /dev/null || break
            runs_anew web "$id" && break
            sleep 0.1
        done
        sleep 0.1
        killed=$(pidof chaosd > /dev/null && echo no || echo yes)
        pkill -KILL -x 'chaos|strace'
        stop KILL
        serve
        if ! wait_for 5 runs_anew web "$id" || [ -n "$(half_done)" ]; then
            lost=$((lost + 1))
            note "after a kill at $call $occurrence: $(chaos list | tail -n +3) $(half_done)"
            chaos create "$GUESTS/noop.cfg" name=web 'on_poweroff="restart"' > /dev/null 2>&1
        fi
        swept=$((swept + 1))
        [ "$killed" = yes ] || break
    done
done
verdict $((lost > 0)) "kill -9 in a restart, at $swept calls: the guest came back ($lost times not)"
check "there was something to kill" test "$swept" -gt 6

note "at any moment"
lost=0
for i in 1 2 3 4 5 6 7 8 9 10; do
    id=$(chaos domid web)
    chaos shutdown web
    sleep "0.00$((RANDOM % 10))"
    stop KILL
    serve
    wait_for 5 runs_anew web "$id" || lost=$((lost + 1))
done
verdict $((lost > 0)) "kill -9 at $i random moments: the guest came back ($lost times not)"
check "destroy" chaos destroy web
stop TERM
check "chaosd ends, and says nothing of errors" sh -c '! grep -i "assert\|corrupt\|segfault" /tmp/chaosd.log'
note "$(sort /tmp/chaosd.log | uniq -c | sort -rn | head -n 12)"
rm -f /run/chaos/chaosd.*
leakcheck
finish
