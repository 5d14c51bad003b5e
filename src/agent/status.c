/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "agent/engine.h"
#include "agent/identity.h"
#include "agent/key_age.h"
#include "agent/record.h"
#include "agent/releases.h"
#include "agent/slots.h"
#include "sys/fd.h"

enum { SECONDS_A_DAY = 86400 };

static void print_record(FILE *out, const struct record *record)
{
    char bridge[SLOT_TEXT_SIZE];

    (void)fprintf(out, "instance %" PRId64 ": network %s, SSH port %" PRId64, record->id,
                  slots_bridge(record->slot, bridge), record->ssh_port);
    for (int64_t i = 0; i < record->port_count; i++)
        (void)fprintf(out, "%s %" PRId64 " to %" PRId64 "/%s", i == 0 ? ", ports" : ",",
                      record->ports[i].host_port, record->ports[i].port,
                      record->ports[i].is_udp ? "udp" : "tcp");
    (void)fprintf(out, "%s\n", record->is_stopped_by_us ? ", stopped" : "");
}

/* Of a host that does not update itself there is nothing to say. */
static void print_updates(FILE *out, int dir)
{
    auto_releases struct releases releases = { .dir = openat(dir, "updates",
                                                             O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
    struct releases_state state;

    if (releases.dir < 0)
        return;
    releases_load(&releases, &state);
    if (*state.confirmed != '\0')
        (void)fprintf(out, "updates: release %s confirmed\n", state.confirmed);
    for (size_t i = 0; i < state.count; i++) {
        const struct releases_failure *failure = &state.failures[i];

        if (failure->count > 0)
            (void)fprintf(out, "updates: release %s failed %" PRId64 " of %d trials%s\n",
                          failure->version, failure->count, RELEASES_TRIES,
                          failure->count >= RELEASES_TRIES ? ", given up" : "");
    }
}

bool status_print(FILE *out, const char *data_dir, struct error *err)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    int64_t machine_id, key_age_s, ids[DESIRED_INSTANCES_MAX];
    bool is_running;
    size_t count;

    if (!identity_peek(data_dir, &machine_id, &is_running, err))
        return false;
    auto_close int dir = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_close int records =
        dir < 0 ? -1 : openat(dir, "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (records < 0)
        return error_system(err, errno, "open %s/instances", data_dir);
    if (!record_list(records, ids, DESIRED_INSTANCES_MAX, &count, err))
        return false;

    if (machine_id == 0)
        (void)fprintf(out, "not enrolled yet\n");
    else
        (void)fprintf(out, "machine %" PRId64 "\n", machine_id);
    if (key_age_read(dir, clock_now(&clock_system), &key_age_s, key))
        (void)fprintf(out, "key: %" PRId64 " days old\n", key_age_s / SECONDS_A_DAY);
    (void)fprintf(out, "agent: %s\n", is_running ? "runs" : "does not run");
    if (engine_find(data_dir) > 0)
        (void)fprintf(out, "private engine: process %" PRId64 "\n", engine_find(data_dir));
    print_updates(out, dir);
    (void)fprintf(out, "%zu instance%s\n", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        struct record record;

        if (!record_load(records, ids[i], &record, err))
            return false;
        print_record(out, &record);
    }
    return true;
}
