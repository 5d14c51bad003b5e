/* SPDX-License-Identifier: Apache-2.0 */
#include "store/relay.h"

#include <stdint.h>

#include "market/relaying.h"
#include "store/rows.h"

#define RELAY_COLUMNS                                                                              \
    "r.id, r.agent_host, r.agent_port, r.public_host, r.port_first, r.port_last, r.pin, "          \
    "r.has_https, r.alive_until_us, r.port_last - r.port_first + 1 - "                             \
    "(SELECT COUNT(*) FROM relay_port u WHERE u.relay_id = r.id)"

static bool relay_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct relay_row *relay = item;

    relay->has_https = db_column_int(row, 7) != 0;
    relay->alive_until = db_column_instant(row, 8);
    relay->free_count = db_column_int(row, 9);
    return rows_number(row, 0, 1, INT64_MAX, &relay->id, err) &&
           rows_text(row, 1, arena, &relay->agent_host, err) &&
           rows_number(row, 2, 1, UINT16_MAX, &relay->agent_port, err) &&
           rows_text(row, 3, arena, &relay->public_host, err) &&
           rows_number(row, 4, 1, UINT16_MAX, &relay->port_first, err) &&
           rows_number(row, 5, relay->port_first, UINT16_MAX, &relay->port_last, err) &&
           rows_text(row, 6, arena, &relay->pin, err);
}

static const struct rows_reader reader = { "relay", sizeof(struct relay_row), relay_read };

bool relay_insert(struct db *db, const struct relay_row *relay, int64_t *ret_id, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO relay (agent_host, agent_port, public_host, port_first, "
                     "port_last, pin, has_https, alive_until_us) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                     "RETURNING id",
                     DB_ARGS(db_text(relay->agent_host), db_int(relay->agent_port),
                             db_text(relay->public_host), db_int(relay->port_first),
                             db_int(relay->port_last), db_text(relay->pin),
                             db_int(relay->has_https), db_instant(relay->alive_until)),
                     ret_id, err);
}

bool relay_find(struct db *db, const char *agent_host, int64_t agent_port, struct arena *arena,
                struct relay_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(
        db, &reader,
        "SELECT " RELAY_COLUMNS " FROM relay r WHERE r.agent_host = $1 AND r.agent_port = $2",
        DB_ARGS(db_text(agent_host), db_int(agent_port)), arena, ret, ret_has, err);
}

bool relay_update(struct db *db, const struct relay_row *relay, struct error *err)
{
    return db_exec(db,
                   "UPDATE relay SET public_host = $2, port_first = $3, port_last = $4, pin = $5, "
                   "alive_until_us = $6, has_https = $7 WHERE id = $1",
                   DB_ARGS(db_int(relay->id), db_text(relay->public_host),
                           db_int(relay->port_first), db_int(relay->port_last), db_text(relay->pin),
                           db_instant(relay->alive_until), db_int(relay->has_https)),
                   err);
}

bool relay_list_alive(struct db *db, struct instant now, struct arena *arena,
                      struct relay_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " RELAY_COLUMNS " FROM relay r WHERE r.alive_until_us > $1 "
                     "ORDER BY 10 DESC, 1",
                     DB_ARGS(db_instant(now)), arena, ret, ret_count, err);
}

bool relay_list_of(struct db *db, int64_t machine_id, struct arena *arena, struct relay_row **ret,
                   size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " RELAY_COLUMNS " FROM relay r WHERE EXISTS "
                     "(SELECT 1 FROM relay_port p JOIN contract c ON c.id = p.contract_id "
                     "WHERE p.relay_id = r.id AND c.machine_id = $1 AND c.state <> 9) "
                     "ORDER BY r.id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

static bool id_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, item, err);
}

bool relay_machines(struct db *db, int64_t relay_id, struct arena *arena, int64_t **ret,
                    size_t *ret_count, struct error *err)
{
    static const struct rows_reader ids = { "relay", sizeof(int64_t), id_read };

    return rows_load(db, &ids,
                     "SELECT DISTINCT c.machine_id FROM relay_port p "
                     "JOIN contract c ON c.id = p.contract_id WHERE p.relay_id = $1 "
                     "ORDER BY c.machine_id",
                     DB_ARGS(db_int(relay_id)), arena, ret, ret_count, err);
}

static bool route_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct relay_route *route = item;

    (void)arena;
    return rows_number(row, 0, 1, UINT16_MAX, &route->port, err) &&
           rows_number(row, 1, 1, INT64_MAX, &route->contract_id, err) &&
           rows_number(row, 2, 1, UINT16_MAX, &route->inside, err) &&
           rows_number(row, 3, 1, INT64_MAX, &route->machine_id, err) &&
           rows_bytes(row, 4, route->public_key, sizeof route->public_key, err) &&
           rows_number(row, 5, 0, INT64_MAX, &route->epoch, err) &&
           rows_number(row, 6, RELAYING_TCP, RELAYING_UDP, &route->protocol, err) &&
           rows_bytes(row, 7, route->former_key, sizeof route->former_key, err) &&
           rows_number(row, 8, 0, INT64_MAX, &route->former_left_us, err);
}

bool relay_routes(struct db *db, int64_t relay_id, struct instant now, struct arena *arena,
                  struct relay_route **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader routes = { "relay", sizeof(struct relay_route), route_read };

    return rows_load(db, &routes,
                     "SELECT p.port, p.contract_id, p.inside, m.id, m.public_key, "
                     "COALESCE(s.epoch, 0), p.protocol, COALESCE(m.former_key, m.public_key), "
                     "CASE WHEN m.former_until_us > $2 THEN m.former_until_us - $2 ELSE 0 END "
                     "FROM relay_port p "
                     "JOIN contract c ON c.id = p.contract_id "
                     "JOIN machine m ON m.id = c.machine_id "
                     "LEFT JOIN agent_session s ON s.machine_id = m.id "
                     "WHERE p.relay_id = $1 AND m.key_revoked_us = 0 ORDER BY p.port",
                     DB_ARGS(db_int(relay_id), db_instant(now)), arena, ret, ret_count, err);
}

static bool row_read(struct db_rows *row, void *context, struct error *err)
{
    (void)row;
    (void)context;
    (void)err;
    return true;
}

bool relay_leads_to(struct db *db, int64_t machine_id, bool *ret_leads, struct error *err)
{
    return db_query_one(db,
                        "SELECT 1 FROM relay_port p JOIN contract c ON c.id = p.contract_id "
                        "WHERE c.machine_id = $1 AND c.state <> 9 LIMIT 1",
                        DB_ARGS(db_int(machine_id)), row_read, NULL, ret_leads, err);
}

bool relay_ports_from(struct db *db, int64_t relay_id, int64_t port, int64_t *ret_ports, size_t max,
                      size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT port FROM relay_port WHERE relay_id = $1 AND port >= $2 "
                         "ORDER BY port LIMIT $3",
                         DB_ARGS(db_int(relay_id), db_int(port), db_int((int64_t)max)), ret_ports,
                         max, ret_count, err);
}

bool relay_port_insert(struct db *db, const struct relay_port_row *port, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO relay_port (relay_id, port, contract_id, inside, protocol, asked) "
                   "VALUES ($1, $2, $3, $4, $5, $6)",
                   DB_ARGS(db_int(port->relay_id), db_int(port->port), db_int(port->contract_id),
                           db_int(port->inside), db_int(port->protocol), db_int(port->asked)),
                   err);
}

static bool port_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct relay_port_row *port = item;

    port->has_https = db_column_int(row, 6) != 0;
    return rows_number(row, 0, 1, INT64_MAX, &port->relay_id, err) &&
           rows_number(row, 1, 1, UINT16_MAX, &port->port, err) &&
           rows_number(row, 2, 1, INT64_MAX, &port->contract_id, err) &&
           rows_number(row, 3, 1, UINT16_MAX, &port->inside, err) &&
           rows_text(row, 4, arena, &port->public_host, err) &&
           rows_number(row, 5, RELAYING_TCP, RELAYING_UDP, &port->protocol, err) &&
           rows_number(row, 7, 1, LAUNCH_PORT_MAX, &port->asked, err);
}

bool relay_port_list(struct db *db, int64_t contract_id, struct arena *arena,
                     struct relay_port_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader ports = { "relay", sizeof(struct relay_port_row), port_read };

    return rows_load(db, &ports,
                     "SELECT p.relay_id, p.port, p.contract_id, p.inside, r.public_host, "
                     "p.protocol, r.has_https, "
                     "CASE WHEN p.asked = 0 THEN p.inside ELSE p.asked END "
                     "FROM relay_port p JOIN relay r ON r.id = p.relay_id "
                     "WHERE p.contract_id = $1 ORDER BY p.inside, p.protocol, p.port",
                     DB_ARGS(db_int(contract_id)), arena, ret, ret_count, err);
}

bool relay_port_remove(struct db *db, int64_t contract_id, int64_t *ret_count, struct error *err)
{
    return db_count(db, "DELETE FROM relay_port WHERE contract_id = $1",
                    DB_ARGS(db_int(contract_id)), ret_count, err);
}
