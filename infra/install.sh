#!/bin/sh
# Make sure that tests find what no wheel carries: a RabbitMQ (named, installed or in Docker) and hledger. Installs what
# is missing with apt, as root or by sudo, and otherwise says what to install.
set -eu

lacking=
if [ -z "${HOLDFAST_TEST_AMQP_URL:-}" ] && [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ] \
    && ! command -v rabbitmq-server >/dev/null 2>&1 && ! docker info >/dev/null 2>&1; then
    lacking="rabbitmq-server"
fi
command -v hledger >/dev/null 2>&1 || lacking="$lacking hledger"
[ -n "$lacking" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
fi
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    echo "Missing: $lacking. Installing with apt." >&2
    # RUNLEVEL=1 keeps apt from starting the system's broker: tests run a private one.
    # shellcheck disable=SC2086 # several words are meant
    if $as_root apt-get update -qq >&2 &&
        $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $lacking >&2; then
        exit 0
    fi
fi
echo "The tests need the packages: $lacking. Install them; for RabbitMQ, Docker or HOLDFAST_TEST_AMQP_URL will also do." >&2
exit 1
