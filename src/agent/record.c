/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

enum { RECORD_TEXT_MAX = 64 * 1024, FILE_NAME_SIZE = 32 };

static const struct field record_fields[] = {
    FIELD_INT(struct record, id, 1, INT64_MAX),
    FIELD_INT_ADDED(struct record, edition, 0, INT64_MAX),
    FIELD_INT(struct record, slot, 1, INT32_MAX),
    FIELD_INT(struct record, ssh_port, 0, 65535),
    FIELD_INT(struct record, restart_nonce, 0, INT64_MAX),
    FIELD_INT_ADDED(struct record, remake, 0, INT64_MAX),
    FIELD_INT(struct record, start_gen, 0, INT64_MAX),
    FIELD_BOOL(struct record, is_stopped_by_us),
    FIELD_INT_ADDED(struct record, notice_gen, 0, INT64_MAX),
    FIELD_INT_ADDED(struct record, notice_deadline_us, 0, INT64_MAX),
    FIELD_BOOL(struct record, is_private),
    { FIELD_ROW(struct record, has_holder, FIELD_KIND_BOOL), .is_optional = true },
    FIELD_CHARS(struct record, boot_id),
    FIELD_CHARS(struct record, started_before),
};
static const struct field_list record_list_fields = FIELD_LIST(record_fields);

/* What a note says, and of which edition. */
static const struct field note_fields[] = {
    FIELD_INT(struct record, id, 1, INT64_MAX),
    FIELD_INT(struct record, edition, 0, INT64_MAX),
    FIELD_BOOL(struct record, is_stopped_by_us),
    FIELD_INT(struct record, notice_gen, 0, INT64_MAX),
    FIELD_INT(struct record, notice_deadline_us, 0, INT64_MAX),
};
static const struct field_list note_list_fields = FIELD_LIST(note_fields);

static const struct field port_fields[] = {
    FIELD_INT(struct port_mapping, port, 1, 65535),
    FIELD_BOOL(struct port_mapping, is_udp),
    FIELD_INT(struct port_mapping, host_port, 1, 65535),
};
static const struct field_list port_list_fields = FIELD_LIST(port_fields);

static char *file_name(int64_t id, char name[static FILE_NAME_SIZE])
{
    (void)snprintf(name, FILE_NAME_SIZE, "%" PRId64 ".json", id);
    return name;
}

static char *note_name(int64_t id, char name[static FILE_NAME_SIZE])
{
    (void)snprintf(name, FILE_NAME_SIZE, "%" PRId64 ".note", id);
    return name;
}

static void encode(struct buf *text, const struct record *record)
{
    struct encoder json = encoder_of(text);

    encode_object(&json);
    fields_encode(&json, &record_list_fields, record);
    encode_key(&json, "ports");
    encode_array(&json);
    for (int64_t i = 0; i < record->port_count; i++) {
        encode_object(&json);
        fields_encode(&json, &port_list_fields, &record->ports[i]);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
}

/* One of those of sys/file.h. */
typedef bool file_writer(int dir, const char *path, mode_t mode, const void *bytes, size_t length,
                         struct error *err);

static bool write_with(file_writer *writer, int dir, const struct record *record, struct error *err)
{
    auto_buf struct buf text = buf_of(RECORD_TEXT_MAX);
    char name[FILE_NAME_SIZE];

    encode(&text, record);
    if (!writer(dir, file_name(record->id, name), 0600, text.bytes, text.length, err))
        return error_context(err, "instance %" PRId64, record->id);
    return true;
}

bool record_save(int dir, struct record *record, struct error *err)
{
    struct record next = *record;

    next.edition++;
    if (!write_with(file_replace, dir, &next, err))
        return false;
    record->edition = next.edition;
    return true;
}

bool record_note(int dir, const struct record *record, struct error *err)
{
    auto_buf struct buf text = buf_of(RECORD_TEXT_MAX);
    struct encoder json = encoder_of(&text);
    char name[FILE_NAME_SIZE];

    encode_object(&json);
    fields_encode(&json, &note_list_fields, record);
    encode_end(&json);
    /* A file system that is careful with those that take another's place would write it out now. */
    if (unlinkat(dir, note_name(record->id, name), 0) != 0 && errno != ENOENT)
        return error_system(err, errno, "remove %s", name);
    if (!file_place(dir, name, 0600, text.bytes, text.length, err))
        return error_context(err, "instance %" PRId64, record->id);
    return true;
}

bool record_begin(int dir, const struct record *record, struct error *err)
{
    return write_with(file_place, dir, record, err);
}

bool record_sync(const char *path, int64_t id, struct error *err)
{
    auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[FILE_NAME_SIZE];

    if (dir < 0)
        return error_system(err, errno, "open %s", path);
    if (!file_sync(dir, file_name(id, name), err))
        return error_context(err, "instance %" PRId64, id);
    return true;
}

static bool decode(const json_t *root, struct record *record, struct error *err)
{
    const json_t *ports;

    if (!fields_decode(root, &record_list_fields, NULL, record, err) ||
        !json_need_array(root, "ports", SPEC_PORTS_MAX, &ports, err))
        return false;
    record->port_count = (int64_t)json_array_size(ports);
    for (int64_t i = 0; i < record->port_count; i++) {
        if (!fields_decode(json_array_get(ports, (size_t)i), &port_list_fields, NULL,
                           &record->ports[i], err))
            return false;
    }
    return true;
}

/* One of an edition before, or that a power cut has damaged, says nothing. */
static void take_note(int dir, struct record *record)
{
    auto_buf struct buf text = buf_of(RECORD_TEXT_MAX);
    auto_json json_t *root = NULL;
    struct record note = { 0 };
    char name[FILE_NAME_SIZE];
    struct error ignored;

    if (!file_read(dir, note_name(record->id, name), &text, &ignored) || text.bytes == NULL ||
        !json_parse(text.bytes, text.length, &root, &ignored) ||
        !fields_decode(root, &note_list_fields, NULL, &note, &ignored) || note.id != record->id ||
        note.edition != record->edition)
        return;
    record->is_stopped_by_us = note.is_stopped_by_us;
    record->notice_gen = note.notice_gen;
    record->notice_deadline_us = note.notice_deadline_us;
}

bool record_load(int dir, int64_t id, struct record *ret, struct error *err)
{
    auto_buf struct buf text = buf_of(RECORD_TEXT_MAX);
    auto_json json_t *root = NULL;
    struct record record = { 0 };
    char name[FILE_NAME_SIZE];

    if (!file_read(dir, file_name(id, name), &text, err))
        return false;
    if (!json_parse(text.bytes != NULL ? text.bytes : "", text.length, &root, err) ||
        !decode(root, &record, err) || record.id != id)
        return error_set(err, ERROR_CORRUPT, "the record of instance %" PRId64 " is damaged", id);
    take_note(dir, &record);
    *ret = record;
    return true;
}

bool record_remove(int dir, int64_t id, struct error *err)
{
    char name[FILE_NAME_SIZE];

    /* The note first: one that is left would be taken for another instance's of that number. */
    if ((unlinkat(dir, note_name(id, name), 0) != 0 && errno != ENOENT) ||
        (unlinkat(dir, file_name(id, name), 0) != 0 && errno != ENOENT))
        return error_system(err, errno, "remove %s", name);
    if (fsync(dir) != 0)
        return error_system(err, errno, "sync the directory of %s", name);
    return true;
}

static int compare_ids(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* "7001.json" is 7001; other names, such as what a crash left beside, are nobody's. */
static bool parse_name(const char *name, int64_t *ret)
{
    size_t length = strlen(name);
    char digits[FILE_NAME_SIZE];
    uint64_t id;

    if (length <= 5 || length - 5 >= sizeof digits || strcmp(name + length - 5, ".json") != 0)
        return false;
    memcpy(digits, name, length - 5);
    digits[length - 5] = '\0';
    if (!parse_u64(digits, &id) || id < 1 || id > INT64_MAX)
        return false;
    *ret = (int64_t)id;
    return true;
}

bool record_list(int dir, int64_t *ids, size_t max, size_t *ret_count, struct error *err)
{
    size_t count = 0;
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again < 0 ? NULL : fdopendir(again);

    if (entries == NULL) {
        (void)error_system(err, errno, "list the records");
        fd_release(&again);
        return false;
    }
    for (const struct dirent *entry; count < max && (entry = readdir(entries)) != NULL;) {
        if (parse_name(entry->d_name, &ids[count]))
            count++;
    }
    (void)closedir(entries);
    qsort(ids, count, sizeof *ids, compare_ids);
    *ret_count = count;
    return true;
}
