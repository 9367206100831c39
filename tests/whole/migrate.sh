# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Two chaosd on one host, which move guests between them over loopback: host a has the usual places and
# xenbr0, host b has /run/chaos-b and xenbr1; a cable joins the bridges. "b COMMAND..." runs it on host b.
# What one host has is no business of the other's tools, though they see each other's domains.

A=127.0.0.1:8002
B=127.0.0.1:8003

b() {
    CHAOS_RUN_DIR=/run/chaos-b "$@"
}

# In this folder: AUTHORITY-ca.pem, and by it NAME.pem and NAME.key for a host with these addresses.
make_authority() { # AUTHORITY
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
        -keyout "$1-ca.key" -out "$1-ca.pem" 2> /dev/null
}

make_certificate() { # AUTHORITY NAME ADDRESS...
    local authority=$1 name=$2 address names=DNS:localhost
    shift 2
    for address in "$@"; do
        names=$names,IP:$address # also of a plain sh: bench sources this
    done
    {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
            -addext "subjectAltName=$names" -keyout "$name.key" -out "$name.csr"
        openssl x509 -req -in "$name.csr" -CA "$authority-ca.pem" -CAkey "$authority-ca.key" -CAcreateserial \
            -days 30 -copy_extensions copy -out "$name.pem"
    } 2> /dev/null
    chmod 600 "$name.key"
}

join_bridges() {
    ip link add xenbr1 type bridge stp_state 0 forward_delay 0
    ip link add cable-a type veth peer name cable-b
    ip link set cable-a master xenbr0
    ip link set cable-b master xenbr1
    echo 1 > /proc/sys/net/ipv4/conf/xenbr1/arp_ignore # or dom0 would say that it is there as well
    for link in xenbr1 cable-a cable-b; do
        ip link set "$link" up
    done
}

configure() { # HOST LISTEN BRIDGES [AUTHORITY]
    local dir=/etc/chaos who=${4:-ours}
    cat > "$dir/$1.conf" << END
[pools]
adaptive = no
[migration]
listen = $2
authority = $dir/$who-ca.pem
certificate = $dir/$who.pem
key = $dir/$who.key
timeout = ${TIMEOUT:-10}
bridges = $3
END
}

start_a() {
    chaosd --foreground -c /etc/chaos/a.conf 2>> /tmp/a.log &
    export daemon_a=$!
    wait_for 5 chaos stats
}

start_b() {
    CHAOS_RUN_DIR=/run/chaos-b chaosd --foreground -c /etc/chaos/b.conf 2>> /tmp/b.log &
    export daemon_b=$!
    wait_for 5 b chaos stats
}

# Ends both daemons; as they are to.
stop_both() {
    kill "$daemon_a" "$daemon_b"
    wait "$daemon_a" && wait "$daemon_b"
}

# Also takes the basis.
two_hosts() {
    mkdir -p /etc/chaos
    cd /etc/chaos || exit 1
    for who in ours theirs; do
        make_authority $who
        make_certificate $who $who 127.0.0.1
    done
    cd - > /dev/null || exit 1
    join_bridges
    configure a $A xenbr1:xenbr0
    configure b $B xenbr0:xenbr1
    start_a # for what they keep
    start_b
    stop_both
    basis
    start_a
    start_b
}

# Over host b's pools.
pool_sum() { # KEY
    b chaos pool list -o json | python3 -c "import json, sys; print(sum(pool['$1'] for pool in json.load(sys.stdin)['pools']))"
}

has_shells() { # NUMBER
    [ "$(pool_sum level)" = "$1" ]
}

no_note_is_left() {
    [ -z "$(find /run/chaos/migrations /run/chaos-b/migrations /run/chaos*/suspended -type f 2> /dev/null)" ]
}

# Both hosts have nothing but what they had. Starts the daemons anew.
both_are_clean() {
    check "no migration is noted" wait_for 5 no_note_is_left
    check "nothing is half made" test -z "$(find /run/chaos/pending /run/chaos-b/pending -type f)"
    stop_both
    verdict $? "both daemons end"
    leakcheck
    start_a
    start_b
}
