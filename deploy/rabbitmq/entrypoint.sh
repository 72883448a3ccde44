#!/bin/sh
# Takes the user's password from its secret into a file that the broker alone reads; the image has no variable for that.
set -eu
umask 077
file=/etc/rabbitmq/conf.d/20-user.conf
printf 'default_user = echosphere\ndefault_vhost = echosphere\ndefault_pass = %s\n' "$(cat /run/secrets/broker_password)" >"$file"
chown rabbitmq "$file"
exec docker-entrypoint.sh rabbitmq-server
