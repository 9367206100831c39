# SPDX-License-Identifier: BSD-3-Clause
# host: --stock
# Our guests by xl on Debian's own Xen: nothing in them needs ours.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start-xenstored > /dev/null 2>&1
for round in 1 2; do
    check "$round: xl create" xl create -q "$GUESTS/daytime.cfg" memory=4 "name=\"front$round\""
    check "$round: it answers ping" wait_for 10 answers_ping 2
    check_output 'UTC' "$round: and tells the time" daytime_of 2
    check "$round: xl shutdown" timeout 30 xl shutdown -w "front$round"
done
finish
