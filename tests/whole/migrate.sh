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

# Two authorities, "ours" and "theirs", each with a host's certificate for 127.0.0.1.
make_certificates() {
    local who
    for who in ours theirs; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$who" \
            -keyout "$who-ca.key" -out "$who-ca.pem"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=host \
            -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$who.key" -out "$who.csr"
        openssl x509 -req -in "$who.csr" -CA "$who-ca.pem" -CAkey "$who-ca.key" -CAcreateserial -days 30 \
            -copy_extensions copy -out "$who.pem"
        chmod 600 "$who.key"
    done 2> /dev/null
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
    make_certificates
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
