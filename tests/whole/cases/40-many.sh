# SPDX-License-Identifier: BSD-3-Clause
# 200 guests at once, and racing creates.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
ip address add 10.1.0.1/16 dev xenbr0
basis

for n in $(seq 100); do
    chaos create "$GUESTS/noop.cfg" "name=n$n" || verdict 1 "create n$n"
    chaos create "$GUESTS/daytime.cfg" "name=d$n" "cmdline=\"ip=10.1.1.$n/16\"" || verdict 1 "create d$n"
done
check "200 guests run" test "$(chaos list -o name | wc -l)" -eq 200
sleep 1
silent=0
for n in $(seq 100); do
    ping -q -c 1 -W 2 "10.1.1.$n" > /dev/null || silent=$((silent + 1))
done
check "all 100 with a network answer ($silent do not)" test $silent -eq 0
check "all noop guests are up" sh -c \
    'for n in $(seq 100); do chaos console --no-follow n$n | grep -q up || exit 1; done'
check "destroy all" sh -c 'chaos destroy $(chaos list -o name)'
check "none is left" test "$(chaos list -o name | wc -l)" -eq 0

note "20 creates of one name at once"
for n in $(seq 20); do
    (
        chaos create "$GUESTS/noop.cfg" name=race 2> "/tmp/race.$n"
        echo $? > "/tmp/status.$n"
    ) &
done
for n in $(seq 20); do
    wait_for 30 test -s "/tmp/status.$n"
done
check "one wins" test "$(cat /tmp/status.* | grep -c '^0$')" -eq 1
check "19 are told that the name is taken" test "$(cat /tmp/status.* | grep -c '^4$')" -eq 19
check "there is one domain" test "$(chaos list -o name)" = race
check "destroy it" chaos destroy race

note "20 creates of different names at once"
for n in $(seq 20); do
    (
        chaos create "$GUESTS/daytime.cfg" "name=p$n" "cmdline=\"ip=10.1.2.$n/16\"" 2> "/tmp/race.$n"
        echo $? > "/tmp/status.$n"
    ) &
    rm -f "/tmp/status.$n"
done
for n in $(seq 20); do
    wait_for 60 test -s "/tmp/status.$n"
done
check "all succeed" test "$(cat /tmp/status.* | sort -u)" = 0
check "destroy all" sh -c 'chaos destroy $(chaos list -o name)'
leakcheck
finish
