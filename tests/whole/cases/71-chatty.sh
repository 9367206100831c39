# SPDX-License-Identifier: BSD-3-Clause
# A guest that writes to its console without end, read or not.
# On a host of its own: after the attacks of 70-hostile, dom0's processor got no further (seen twice, not explained yet).
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
basis
check "chatty: create" chaos create "$GUESTS/chatty.cfg"
check "chatty: it is not blocked by its console" wait_for 10 console_shows chatty .
check "chatty: shutdown works" chaos shutdown -w -t 20 chatty
leakcheck
finish
