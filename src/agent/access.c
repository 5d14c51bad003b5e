/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/access_broker.h"
#include "agent/access_table.h"
#include "agent/oneself.h"
#include "base/buf.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { CONTAINER_DIGITS = ACCESS_CONTAINER_SIZE - 1 };

struct access {
    struct access_options options;
    char *state_dir, *engine_socket, *bind_address; /* owned; what options point to */
    int slots_file;
    struct access_slot *slots; /* shared with the broker */
    struct buf table;          /* the newest text, as access_table.h has it */
    bool is_delivered;
    pid_t broker; /* 0: none runs */
    int control;
};

static char *copy(const char *text)
{
    char *own = strdup(text);

    if (own == NULL)
        abort();
    return own;
}

static bool start_broker(struct access *access, struct error *err)
{
    const struct access_options *options = &access->options;
    const char *const texts[] = { options->state_dir, options->engine_socket, options->bind_address,
                                  NULL };
    const struct oneself broker = { .what = "the SSH broker",
                                    .verb = ACCESS_BROKER_VERB,
                                    .texts = texts,
                                    .uid = options->session_uid,
                                    .gid = options->session_gid,
                                    .log = &options->log,
                                    .file = access->slots_file };

    access->is_delivered = false;
    return oneself_start(&broker, &access->broker, &access->control, err);
}

/* The folders for host keys, and for sessions to see nothing in; and the keys. */
static bool make_keys(const char *state_dir, struct error *err)
{
    char keys_dir[ACCESS_STATE_DIR_MAX + 8], empty[ACCESS_STATE_DIR_MAX + 16];
    struct access_hostkeys keys;

    if (strlen(state_dir) > ACCESS_STATE_DIR_MAX)
        return error_set(err, ERROR_INVALID, "the path %s is too long", state_dir);
    (void)snprintf(keys_dir, sizeof(keys_dir), "%s/ssh", state_dir);
    (void)snprintf(empty, sizeof(empty), "%s/empty", keys_dir);
    if (!file_make_dir(keys_dir, 0711, err) || !file_make_dir(empty, 0711, err) ||
        !access_hostkeys_open(keys_dir, &keys, err))
        return false;
    access_hostkeys_close(&keys);
    return true;
}

static bool make_slots(struct access *access, struct error *err)
{
    const size_t size = ACCESS_SLOTS_MAX * sizeof(struct access_slot);

    access->slots_file = memfd_create("berth-ssh-counters", MFD_CLOEXEC);
    if (access->slots_file < 0 || ftruncate(access->slots_file, (off_t)size) != 0)
        return error_system(err, errno, "make room for counters");
    void *slots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, access->slots_file, 0);
    if (slots == MAP_FAILED)
        return error_system(err, errno, "make room for counters");
    access->slots = slots;
    return true;
}

bool access_start(const struct access_options *options, struct access **ret_access,
                  struct error *err)
{
    if (options->session_uid == 0 || options->session_gid == 0)
        return error_set(err, ERROR_INVALID, "SSH sessions must not run as root");
    if (ssh_init() != SSH_OK)
        return error_set(err, ERROR_UNAVAILABLE, "libssh does not start");

    struct access *access = calloc(1, sizeof(*access));
    if (access == NULL)
        abort();
    access->options = *options;
    access->state_dir = copy(options->state_dir);
    access->engine_socket = copy(options->engine_socket);
    access->bind_address = copy(options->bind_address);
    access->options.state_dir = access->state_dir;
    access->options.engine_socket = access->engine_socket;
    access->options.bind_address = access->bind_address;
    access->control = -1;
    access->slots_file = -1;
    access->table = buf_of(ACCESS_TABLE_LENGTH_MAX);
    if (!make_keys(options->state_dir, err) || !make_slots(access, err) ||
        !start_broker(access, err)) {
        access_stop(&access);
        return error_context(err, "SSH access");
    }
    *ret_access = access;
    return true;
}

static struct access_slot *find_slot(const struct access *access, int64_t instance_id)
{
    for (size_t i = 0; i < ACCESS_SLOTS_MAX; i++)
        if (atomic_load(&access->slots[i].instance_id) == instance_id)
            return &access->slots[i];
    return NULL;
}

static bool is_listed(const struct access_entry *entries, size_t count, int64_t instance_id)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].instance_id == instance_id && entries[i].port != 0)
            return true;
    return false;
}

/* Free what nobody counts in any more, then find places for the new. */
static void give_slots(struct access *access, const struct access_entry *entries, size_t count)
{
    for (size_t i = 0; i < ACCESS_SLOTS_MAX; i++) {
        int64_t id = atomic_load(&access->slots[i].instance_id);

        if (id != 0 && !is_listed(entries, count, id))
            atomic_store(&access->slots[i].instance_id, 0);
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i].port == 0 || find_slot(access, entries[i].instance_id) != NULL)
            continue;
        struct access_slot *slot = find_slot(access, 0);
        assert(slot != NULL);
        atomic_store(&slot->bytes_up, 0);
        atomic_store(&slot->bytes_down, 0);
        atomic_store(&slot->connection_count, 0);
        atomic_store(&slot->listen_errno, 0);
        atomic_store(&slot->copies_asked_s, 0);
        atomic_store(&slot->instance_id, entries[i].instance_id);
    }
}

static bool entry_is_sound(const struct access_entry *entry, struct error *err)
{
    size_t digits = strspn(entry->container_id, "0123456789abcdef");

    if (entry->instance_id <= 0)
        return error_set(err, ERROR_INVALID, "%lld is no instance", (long long)entry->instance_id);
    if (entry->container_id[0] != '\0' &&
        (digits != CONTAINER_DIGITS || entry->container_id[digits] != '\0'))
        return error_set(err, ERROR_INVALID, "instance %lld: \"%s\" is no container id",
                         (long long)entry->instance_id, entry->container_id);
    return true;
}

static bool check_entries(const struct access_entry *entries, size_t count, struct error *err)
{
    static bool is_taken[UINT16_MAX + 1];

    if (count > ACCESS_ENTRIES_MAX)
        return error_set(err, ERROR_INVALID, "%zu instances are too many", count);
    memset(is_taken, 0, sizeof(is_taken));
    for (size_t i = 0; i < count; i++) {
        if (!entry_is_sound(&entries[i], err))
            return false;
        if (entries[i].port != 0 && is_taken[entries[i].port])
            return error_set(err, ERROR_INVALID, "port %u belongs to two instances",
                             (unsigned)entries[i].port);
        is_taken[entries[i].port] = true;
        for (size_t j = 0; j < i; j++)
            if (entries[j].instance_id == entries[i].instance_id)
                return error_set(err, ERROR_INVALID, "instance %lld is listed twice",
                                 (long long)entries[i].instance_id);
    }
    return true;
}

/* False: the broker has not taken the last one yet, or is not there. */
static bool deliver(const struct access *access)
{
    return oneself_deliver(access->control, "t", 1, &access->table);
}

static void log_keys(const struct access *access, const struct access_entry *entry, size_t good)
{
    if (good < entry->key_count)
        log_write(&access->options.log, LOG_WARNING, "ssh keys",
                  "instance %lld: %zu of its %zu keys are malformed or too many",
                  (long long)entry->instance_id, entry->key_count - good, entry->key_count);
}

bool access_update(struct access *access, const struct access_entry *entries, size_t count,
                   struct error *err)
{
    auto_buf struct buf table = buf_of(ACCESS_TABLE_LENGTH_MAX);

    if (!check_entries(entries, count, err))
        return false;
    give_slots(access, entries, count);
    buf_append(&table, "", 0);
    size_t good[ACCESS_ENTRIES_MAX];
    for (size_t i = 0; i < count; i++) {
        if (entries[i].port == 0)
            continue;
        const struct access_slot *slot = find_slot(access, entries[i].instance_id);
        access_table_write(&table, &entries[i], (uint16_t)(slot - access->slots), &good[i]);
    }
    if (table.has_overflowed)
        return error_set(err, ERROR_INVALID, "the instances' keys are too many");
    if (access->table.bytes != NULL && access->table.length == table.length &&
        memcmp(access->table.bytes, table.bytes, table.length) == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (entries[i].port != 0)
            log_keys(access, &entries[i], good[i]);
    buf_release(&access->table);
    access->table = table;
    table = buf_of(0);
    access->is_delivered = deliver(access);
    return true;
}

void access_tend(struct access *access)
{
    struct error err;
    int status;

    if (access->broker > 0 && waitpid(access->broker, &status, WNOHANG) == access->broker) {
        log_write(&access->options.log, LOG_ERROR, "ssh broker died", "status %d: starting again",
                  status);
        access->broker = 0;
        fd_release(&access->control);
        for (size_t i = 0; i < ACCESS_SLOTS_MAX; i++)
            atomic_store(&access->slots[i].connection_count, 0);
    }
    if (access->broker == 0 && !start_broker(access, &err))
        log_failure(&access->options.log, "ssh broker", &err);
    if (!access->is_delivered && access->table.bytes != NULL)
        access->is_delivered = deliver(access);
}

bool access_counters(const struct access *access, int64_t instance_id,
                     struct access_counters *ret_counters)
{
    const struct access_slot *slot = instance_id > 0 ? find_slot(access, instance_id) : NULL;

    if (slot == NULL)
        return false;
    *ret_counters = (struct access_counters){
        .bytes_up = atomic_load(&slot->bytes_up),
        .bytes_down = atomic_load(&slot->bytes_down),
        .connection_count = atomic_load(&slot->connection_count),
        .listen_errno = atomic_load(&slot->listen_errno),
        .copies_asked_s = atomic_load(&slot->copies_asked_s),
    };
    return true;
}

void access_stop(struct access **access)
{
    struct access *old = *access;

    if (old == NULL)
        return;
    /* The broker ends with its socket, and its sessions with it. */
    fd_release(&old->control);
    if (old->broker > 0) {
        while (waitpid(old->broker, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (old->slots != NULL)
        (void)munmap(old->slots, ACCESS_SLOTS_MAX * sizeof(struct access_slot));
    fd_release(&old->slots_file);
    buf_release(&old->table);
    free(old->state_dir);
    free(old->engine_socket);
    free(old->bind_address);
    free(old);
    *access = NULL;
}
