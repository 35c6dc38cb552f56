#!/bin/sh
# Make sure that tests find a RabbitMQ: one that is named, one that is installed, Docker, or apt as root or by sudo.
set -eu

if [ -n "${HOLDFAST_TEST_AMQP_URL:-}" ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] \
    || command -v rabbitmq-server >/dev/null 2>&1 || docker info >/dev/null 2>&1; then
    exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
fi
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    echo "RabbitMQ is missing: installing rabbitmq-server with apt." >&2
    # RUNLEVEL=1 keeps apt from starting the system's broker: tests run a private one.
    if $as_root apt-get update -qq >&2 &&
        $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rabbitmq-server >&2; then
        exit 0
    fi
fi
echo "The tests need RabbitMQ: install the package rabbitmq-server, start Docker, or set HOLDFAST_TEST_AMQP_URL." >&2
exit 1
