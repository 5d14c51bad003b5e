/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/totals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/parse.h"
#include "proto/fields.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { FILE_MAX = 4 << 20 };

#define T          struct totals_entry
#define COUNTER(m) FIELD_INT(T, m.carried, 0, INT64_MAX), FIELD_INT(T, m.last, 0, INT64_MAX)
static const struct field entry_fields[] = {
    FIELD_INT(T, id, 1, INT64_MAX),
    FIELD_INT(T, counter_epoch, 1, INT64_MAX),
    FIELD_INT(T, interface, 0, INT64_MAX),
    FIELD_CHARS(T, start_token),
    FIELD_INT(T, run_ms, 0, INT64_MAX),
    COUNTER(interface_up),
    COUNTER(interface_down),
    COUNTER(ssh_up),
    COUNTER(ssh_down),
};
#undef T
static const struct field_list entry_list = FIELD_LIST(entry_fields);

/* Later than any epoch that was begun before, lost ones too, as long as the clock goes forward. */
static int64_t new_epoch(const struct totals *totals, int64_t before)
{
    int64_t now_s = clock_now(totals->clock).microseconds / US_PER_SECOND;

    return now_s > before ? now_s : before + 1;
}

static struct totals_entry *push(struct totals *totals)
{
    if (totals->count == totals->capacity) {
        totals->capacity = totals->capacity == 0 ? 16 : 2 * totals->capacity;
        totals->entries = realloc(totals->entries, totals->capacity * sizeof *totals->entries);
        if (totals->entries == NULL)
            abort();
    }
    struct totals_entry *entry = &totals->entries[totals->count++];
    *entry = (struct totals_entry){ 0 };
    return entry;
}

/* The gateway's counters began anew with us. */
static void carry(struct totals_counter *counter)
{
    counter->carried += counter->last;
    counter->last = 0;
}

static void load(struct totals *totals, const json_t *root)
{
    const char *boot_id = json_string_value(json_object_get(root, "boot_id"));
    const json_t *entries = json_object_get(root, "entries");
    bool is_same_boot = boot_id != NULL && strcmp(boot_id, totals->identity->boot_id) == 0;
    struct error ignored;
    json_t *item;
    size_t index;

    json_array_foreach(entries, index, item)
    {
        struct totals_entry entry = { 0 };

        if (index == TOTALS_MAX || !fields_decode(item, &entry_list, NULL, &entry, &ignored))
            continue;
        carry(&entry.ssh_up);
        carry(&entry.ssh_down);
        if (!is_same_boot) {
            struct totals_entry fresh = { .id = entry.id };

            fresh.counter_epoch = new_epoch(totals, entry.counter_epoch);
            entry = fresh;
        }
        *push(totals) = entry;
    }
}

void totals_open(const struct identity *identity, const struct clock *clock, struct totals *ret)
{
    auto_buf struct buf text = buf_of(FILE_MAX);
    auto_json json_t *root = NULL;
    struct error ignored;

    *ret = (struct totals){ .identity = identity, .clock = clock };
    if (!file_read(identity->dir, "totals.json", &text, &ignored) || text.length == 0 ||
        !json_parse(text.bytes, text.length, &root, &ignored))
        return;
    load(ret, root);
    ret->is_changed = true;
}

void totals_close(struct totals *totals)
{
    free(totals->entries);
    *totals = (struct totals){ 0 };
}

struct totals_entry *totals_of(struct totals *totals, int64_t id)
{
    for (size_t i = 0; i < totals->count; i++) {
        if (totals->entries[i].id == id)
            return &totals->entries[i];
    }
    struct totals_entry *entry = push(totals);

    entry->id = id;
    entry->counter_epoch = new_epoch(totals, 0);
    totals->is_changed = true;
    return entry;
}

void totals_remove(struct totals *totals, int64_t id)
{
    for (size_t i = 0; i < totals->count; i++) {
        if (totals->entries[i].id != id)
            continue;
        totals->entries[i] = totals->entries[--totals->count];
        totals->is_changed = true;
        return;
    }
}

/* A count below the last one is a counter that began anew. */
static void count(struct totals *totals, struct totals_counter *counter, uint64_t value)
{
    int64_t now = value > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)value;

    if (now < counter->last)
        carry(counter);
    totals->is_changed = totals->is_changed || now != counter->last;
    counter->last = now;
}

void totals_interface(struct totals *totals, int64_t id, int64_t interface, uint64_t up,
                      uint64_t down)
{
    struct totals_entry *entry = totals_of(totals, id);

    if (entry->interface != interface) {
        carry(&entry->interface_up);
        carry(&entry->interface_down);
        entry->interface = interface;
        totals->is_changed = true;
    }
    count(totals, &entry->interface_up, up);
    count(totals, &entry->interface_down, down);
}

void totals_ssh(struct totals *totals, int64_t id, uint64_t up, uint64_t down)
{
    struct totals_entry *entry = totals_of(totals, id);

    count(totals, &entry->ssh_up, up);
    count(totals, &entry->ssh_down, down);
}

static int64_t sum(const struct totals_counter *a, const struct totals_counter *b)
{
    return a->carried + a->last + b->carried + b->last;
}

int64_t totals_up(const struct totals_entry *entry)
{
    return sum(&entry->interface_up, &entry->ssh_up);
}

int64_t totals_down(const struct totals_entry *entry)
{
    return sum(&entry->interface_down, &entry->ssh_down);
}

void totals_run(struct totals *totals, int64_t id, const char *start_token, int64_t started_us)
{
    struct totals_entry *entry = totals_of(totals, id);
    int64_t run_ms = (clock_boot_us(totals->clock) - started_us) / US_PER_MS;

    if (strcmp(entry->start_token, start_token) != 0) {
        (void)snprintf(entry->start_token, sizeof entry->start_token, "%s", start_token);
        entry->run_ms = 0;
    }
    if (run_ms > entry->run_ms)
        entry->run_ms = run_ms;
    totals->is_changed = true;
}

static void encode(struct encoder *json, const struct totals *totals)
{
    encode_object(json);
    encode_field_text(json, "boot_id", totals->identity->boot_id);
    encode_key(json, "entries");
    encode_array(json);
    for (size_t i = 0; i < totals->count; i++) {
        encode_object(json);
        fields_encode(json, &entry_list, &totals->entries[i]);
        encode_end(json);
    }
    encode_end(json);
    encode_end(json);
}

bool totals_save(struct totals *totals, struct error *err)
{
    auto_buf struct buf text = buf_of(FILE_MAX);
    struct encoder json = encoder_of(&text);
    int dir = totals->identity->dir;

    if (!totals->is_changed)
        return true;
    encode(&json, totals);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "too many totals");
    auto_close int fd =
        openat(dir, "totals.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(err, errno, "create totals.json.new");
    if (!file_write_all(fd, text.bytes, text.length, err))
        return error_context(err, "totals.json.new");
    if (renameat(dir, "totals.json.new", dir, "totals.json") != 0)
        return error_system(err, errno, "rename to totals.json");
    totals->is_changed = false;
    return true;
}

bool totals_process_start(pid_t pid, int64_t *ret_us)
{
    enum { START_FIELD = 20 }; /* of those behind the program's name, which may hold anything */
    auto_buf struct buf text = buf_of(4096);
    struct error ignored;
    char path[64];
    uint64_t ticks;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid <= 0 || !file_read(AT_FDCWD, path, &text, &ignored) || text.length == 0)
        return false;
    char *at = strrchr(text.bytes, ')');
    for (int field = 0; at != NULL && field < START_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    at++;
    at[strcspn(at, " ")] = '\0';
    if (!parse_u64(at, &ticks))
        return false;
    *ret_us = (int64_t)(ticks * (uint64_t)US_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
    return true;
}
