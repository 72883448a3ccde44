#!/bin/sh
# Writes the ACL file from its secret: one user that works and does not administrate, and no default user.
set -eu
umask 077
hash=$(printf '%s' "$(cat /run/secrets/results_password)" | sha256sum | cut -d ' ' -f 1)
cat >/tmp/users.acl <<EOF
user default off
user echosphere on #$hash ~* &* +@all -@admin -@dangerous +info +keys +ping +client|setname
EOF
chown redis /tmp/users.acl
exec docker-entrypoint.sh redis-server --aclfile /tmp/users.acl --appendonly yes --save "" --maxmemory-policy noeviction
