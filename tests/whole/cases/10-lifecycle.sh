# SPDX-License-Identifier: BSD-3-Clause
# The life of a guest without devices, command by command.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
check "doctor finds nothing wrong" chaos doctor
check_output '^\(XEN\) noxs: ABI version 1' "xl dmesg tells that this Xen is patched" xl dmesg
basis

check "create" chaos create "$GUESTS/noop.cfg"
check_output '^noop +[0-9]+ +1 +1 +[-r]b?-* +' "list shows it" chaos list noop
check_output '^noop$' "list -o name" chaos list -o name
id=$(chaos domid noop)
check_output '^[0-9]+$' "domid prints one number" chaos domid noop
check_output '^noop$' "domname prints one name" chaos domname "$id"
check "the table has xl's header" test "$(chaos list | head -n 1)" = \
    "$(printf 'Name                                        ID   Mem VCPUs\tState\tTime(s)')"
check "list -o json is JSON" sh -c 'chaos list -o json | python3 -m json.tool'
check "the guest says on its console that it is up" wait_for 5 console_shows noop '^noop: up'
check "and again: reading the ring leaves it as it is" console_shows noop '^noop: up'

check "pause" chaos pause noop
check_output 'p' "its state shows it" domain_state noop
check "unpause" chaos unpause noop
check "it runs again" wait_for 5 sh -c 'chaos list noop | tail -n 1 | grep -q -- " -b---- "'
check "rename" chaos rename noop other
check_exit 3 'noop' "the old name is gone" chaos domid noop
check_output "^$id\$" "the new one leads to the same domain" chaos domid other
check_exit 4 'exists|taken|in use' "a second guest of that name is refused" \
    chaos create "$GUESTS/noop.cfg" name=other
check_output 'uuid' "info tells about it" chaos info other

check "shutdown -w" chaos shutdown -w other
check_exit 3 'other' "it is gone" chaos domid other

check "create -p" chaos create -p "$GUESTS/noop.cfg"
check_output '--p---' "it is paused" domain_state noop
check "and has not run" sh -c '! chaos console --no-follow noop | grep .'
check "unpause" chaos unpause noop
check "it comes up" wait_for 5 console_shows noop '^noop: up'
before=$(chaos domid noop)
check "reboot" chaos reboot noop
check "it comes up again" wait_for 5 console_shows noop '^noop: up'
check "as another domain" test "$(chaos domid noop)" != "$before"
check "destroy" chaos destroy noop
check_exit 3 'noop' "destroying it again says that it is gone" chaos destroy noop

check "shutdown without -w returns at once" chaos create "$GUESTS/noop.cfg"
wait_for 5 console_shows noop '^noop: up'
check "shutdown" chaos shutdown noop
check "and it goes in the background" wait_for 10 sh -c '! chaos domid noop'
check_output '"memory_mib": 1' "create -N prints the configuration" chaos create -N "$GUESTS/noop.cfg"
check_output '^total' "create --timing prints its phases" chaos create --timing "$GUESTS/noop.cfg"
check "destroy by id" chaos destroy "$(chaos domid noop)"
check "create --timing=json is JSON" sh -c \
    "chaos create --timing=json $GUESTS/noop.cfg | python3 -m json.tool"
check "32 MiB and two vcpus" chaos create "$GUESTS/noop.cfg" name=big memory=32 vcpus=2
check "it comes up" wait_for 5 console_shows big '^noop: up'
check "destroy both" chaos destroy noop big
leakcheck
finish
