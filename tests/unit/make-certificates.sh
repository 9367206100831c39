#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make-certificates.sh FOLDER: two authorities, "ours" and "theirs", each with a host's certificate
# for localhost and 127.0.0.1.
set -eu
cd "$1"
for who in ours theirs; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$who" \
        -keyout "$who-ca.key" -out "$who-ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=host" \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
        -keyout "$who.key" -out "$who.csr" 2>/dev/null
    openssl x509 -req -in "$who.csr" -CA "$who-ca.pem" -CAkey "$who-ca.key" -CAcreateserial -days 2 \
        -copy_extensions copy -out "$who.pem" 2>/dev/null
    chmod 600 "$who.key"
done
