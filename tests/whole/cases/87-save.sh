# SPDX-License-Identifier: BSD-3-Clause
# Guests are saved to files and go on from them: once, several times, in place; what cannot be is refused
# and loses no guest.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
cd /dev/shm || exit 1

create_echo() { # NAME HOST-PART [key=value...]
    local name=$1 address=10.0.0.$2
    shift 2
    chaos create "$GUESTS/tcpecho.cfg" "name=$name" "cmdline=\"ip=$address/24\"" "$@"
}

size_of() {
    stat -c %s "$1"
}

basis
note "without devices"
chaos create "$GUESTS/noop.cfg"
wait_for 5 console_shows noop '^noop: up'
check "save -c" chaos save -c noop noop.ck
check_output '^noop.ck: whole: guest "noop"' "verify" chaos verify noop.ck
check "verify -o json is JSON" sh -c 'chaos verify -o json noop.ck | python3 -m json.tool'
check "the file has mode 0600" test "$(stat -c %a noop.ck)" = 600
check "and at most 100 KiB ($(size_of noop.ck) bytes)" test "$(size_of noop.ck)" -le 102400
check_output '-b----' "the guest goes on" domain_state noop
check "save" chaos save noop noop.ck
check_exit 3 'noop' "the domain is gone" chaos domid noop
check "restore" chaos restore noop.ck
check "restore under another name" chaos restore --name two noop.ck
check "and under one more, paused" chaos restore -p noop.ck name=three
check_output 'p' "it is paused" domain_state three
check "three uuids" test "$(chaos list -o json | grep -c '"uuid"')" -ge 3
check_exit 4 'exists' "a name that is taken is refused" chaos restore noop.ck
check "its console goes on from where it was" console_shows two '^noop: up'
check "it answers requests" chaos shutdown -w -t 10 two
check "unpause" chaos unpause three
check "the last one does, too" chaos shutdown -w -t 10 three
check "and the first" chaos shutdown -w -t 10 noop
check "save -p" sh -c "chaos create $GUESTS/noop.cfg && sleep 0.2 && chaos save -p noop noop.ck"
check_output '--p---' "leaves it paused" domain_state noop
check_exit 1 'paused' "a paused guest cannot be saved" chaos save noop other.ck
check "unpause, shutdown" sh -c 'chaos unpause noop && chaos shutdown -w -t 10 noop'
leakcheck

note "with a network"
check "create" create_echo echo 2
check "it answers ping" wait_for 5 answers_ping 2
connect 2 # not in a subshell
check "it echoes" echoes one
check "save, restore" sh -c 'chaos save echo echo.ck && chaos restore echo.ck'
check "the connection is open" echoes two
check "the guest knows that it was restored" state_says 2 '^restored 1 '
check "save -c" chaos save -c echo echo.ck
check "the connection is open" echoes three
check "which was no restore" state_says 2 '^restored 1 '
check "the file has at most 600 KiB ($(size_of echo.ck) bytes)" test "$(size_of echo.ck)" -le 614400
check "a second guest, with its own address" \
    chaos restore --name clone echo.ck 'cmdline="ip=10.0.0.3/24"'
check "the clone answers ping" wait_for 5 answers_ping 3
check "and so does the first" answers_ping 2
check "the connection is open" echoes four
check "the clone has another MAC" test "$(ip neigh show 10.0.0.2 | grep -o 'lladdr [^ ]*')" != \
    "$(ip neigh show 10.0.0.3 | grep -o 'lladdr [^ ]*')"
check "destroy the clone" chaos destroy clone
check "ten times in a row" sh -c 'for _ in 1 2 3 4 5 6 7 8 9 10; do chaos save echo echo.ck && chaos restore echo.ck || exit 1; done'
check "the connection is open" echoes five
exec 7>&-
check "shutdown" chaos shutdown -w -t 10 echo
leakcheck

note "compressed"
took() { # COMMAND...: ms, by its own --timing
    "$@" --timing | awk '$1 == "total" { print $2 / 1000 }'
}
check "create" chaos create "$GUESTS/daytime.cfg" 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 5 answers_ping 2
for how in --continue --compress; do
    saved=$(took chaos save $how daytime daytime$how.ck) restored=$(took chaos restore --name copy daytime$how.ck)
    note "save $how: $saved ms, $(size_of daytime$how.ck) bytes, restored in $restored ms"
    check "the copy is there" chaos destroy copy
done
check "the file is smaller by a half" test "$(size_of daytime--compress.ck)" -lt $(($(size_of daytime--continue.ck) / 2))
check_output ', compressed$' "verify tells" chaos verify daytime--compress.ck
check_exit 0 '"compressed": true' "also in JSON" chaos verify -o json daytime--compress.ck
check "the other is not" sh -c '! chaos verify daytime--continue.ck | grep compressed'
check "create" create_echo echo 2
check "it answers ping" wait_for 5 answers_ping 2
connect 2
check "it echoes" echoes one
check "save -c, compressed" chaos save -c --compress echo echo.ck
check "the connection is open" echoes two
check "save, restore, compressed" sh -c 'chaos save --compress echo echo.ck && chaos restore echo.ck'
check "the connection is open" echoes three
check "it has mode 0600" test "$(stat -c %a echo.ck)" = 600
head -c 20000 echo.ck > cut.ck
check_exit 8 'byte [0-9]+: ' "one that is cut off" chaos restore --name other cut.ck
check_exit 3 other "makes no domain" chaos domid other
exec 7>&-
check "destroy" chaos destroy echo
leakcheck

note "31 MiB, page tables of the guest's own making"
check "create" create_echo large 2 memory=31
check "it answers ping" wait_for 5 answers_ping 2
check "save" chaos save large large.ck
check_output 'of 7936 pages stored' "verify" chaos verify large.ck
check "restore" chaos restore large.ck
check "it answers ping" wait_for 5 answers_ping 2
check "it tells its state" state_says 2 '^restored 1 '
check "destroy" chaos destroy large
leakcheck

note "a file that is replaced while it is read"
check "create" create_echo one 2
check "it answers ping" wait_for 5 answers_ping 2
check "save" chaos save -c one one.ck
check "create" create_echo two 3
check "it answers ping" wait_for 5 answers_ping 3
check "save" chaos save -c two two.ck
(while cp one.ck next.ck && mv next.ck changing.ck && cp two.ck next.ck && mv next.ck changing.ck; do :; done) 2> /dev/null &
changer=$!
wait_for 5 test -e changing.ck
bad=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    chaos restore -p --name "copy-$i" changing.ck || bad=$((bad + 1))
done
kill $changer
wait $changer 2> /dev/null
verdict $((bad > 0)) "20 restores of it, of which $bad failed"
check "what was read are whole files" chaos verify changing.ck
check "destroy" sh -c 'chaos list -o name | xargs chaos destroy'
leakcheck

note "what is refused"
check "a guest that ignores requests" chaos create "$GUESTS/deaf.cfg"
wait_for 5 console_shows deaf '^deaf: up'
check_exit '[17]' 'suspend|request' "it is not saved" chaos save -t 1 deaf deaf.ck
check "there is no file" test ! -e deaf.ck
check_output '-b----|r-----' "it goes on" domain_state deaf
check "destroy" chaos destroy deaf
head -c 30000 noop.ck > cut.ck
check_exit 8 'byte [0-9]+: ' "a file that is cut off, by verify" chaos verify cut.ck
check_exit 8 'byte [0-9]+: ' "and by restore" chaos restore cut.ck
check_exit 3 'No such file' "no file" chaos restore nothing.ck
check_exit 8 'no checkpoint' "another file" chaos restore "$GUESTS/noop.elf"
check_exit 8 'bridge "nobr"' "a bridge that is not there" chaos restore echo.ck 'vif=["bridge=nobr"]'
check_exit 8 'memory' "other memory" chaos restore noop.ck memory=2
cp noop.ck open.ck && chmod 644 open.ck
check_exit 8 'open.ck": others may read it' "a file that others may read, if one is strict" \
    chaos restore --strict open.ck
check_exit 8 'others may write it' "or write" sh -c 'chmod 602 open.ck && chaos restore --strict open.ck'
check_exit 0 'warning: .*others may write it.*chmod 600' "else it is said" chaos restore -p open.ck
check_exit 8 'did you mean .name' "an unknown key, if one is strict" chaos restore --strict --name strict noop.ck nmae=x
check "destroy" chaos destroy noop
chaos create "$GUESTS/noop.cfg"
wait_for 5 console_shows noop '^noop: up'
check_exit '[14]' 'folder' "a folder in the way" chaos save noop /dev/shm
ln -s /root/noxs.ko link.ck
check_exit 4 'symbolic link' "a symbolic link in the way" chaos save noop link.ck
check_output '-b----' "the guest was not even asked" domain_state noop
mkdir -p small && mount -t tmpfs -o size=32k none small
check_exit 5 'No space' "a full disk" chaos save noop small/noop.ck
check "leaves no file" test -z "$(ls -A small)"
check "the folder is read-only" mount -o remount,ro small
check_exit 1 'Read-only' "which is found" chaos save noop small/noop.ck
umount small
check_output '-b----' "the guest goes on" domain_state noop
check "and answers" chaos shutdown -w -t 10 noop
check "nothing is noted" test ! -e /run/chaos/suspended
leakcheck
finish
