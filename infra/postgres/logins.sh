#!/bin/sh
# Runs once, when the data folder is new: a login for each service, which may act in that service's role and no other.
# What a role may do is granted by the migrations; passwords come from the environment.
set -eu

login() {
    psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        --set login="$1" --set role="holdfast_$1" --set password="$2" <<'SQL'
create role :"role" nologin;
create role :"login" login noinherit password :'password' in role :"role";
SQL
}

login payment "$PAYMENT_DB_PASSWORD"
login escrow "$ESCROW_DB_PASSWORD"
login payout_scheduler "$PAYOUT_SCHEDULER_DB_PASSWORD"
login audit "$AUDIT_DB_PASSWORD"
login settings "$SETTINGS_DB_PASSWORD"
