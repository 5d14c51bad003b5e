/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/keep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "proto/fields.h"
#include "sys/file.h"

enum { ARENA_MAX = 48 << 20, FILE_MAX = DESIRED_BODY_MAX + 4096 };

#define CONTACT_EVERY_US (60 * US_PER_SECOND)

/* A moment, as it can be found again after a restart of the agent or of the host. */
struct moment {
    char boot_id[BOOT_ID_SIZE];
    int64_t boot_us, wall_us;
};

static const struct field moment_fields[] = {
    FIELD_CHARS(struct moment, boot_id),
    FIELD_INT(struct moment, boot_us, 0, INT64_MAX),
    FIELD_INT(struct moment, wall_us, 0, INT64_MAX),
};
static const struct field_list moment_list = FIELD_LIST(moment_fields);

static struct moment moment_now(const struct keep *keep)
{
    struct moment moment = {
        .boot_us = clock_boot_us(keep->clock),
        .wall_us = clock_now(keep->clock).microseconds,
    };

    memcpy(moment.boot_id, keep->identity->boot_id, sizeof moment.boot_id);
    return moment;
}

/* When it was, on this boot's clock. Across a reboot the wall clock tells; where that went back,
 * at least the time since the boot has passed. */
static int64_t moment_here(const struct keep *keep, const struct moment *moment)
{
    struct moment now = moment_now(keep);

    if (strcmp(moment->boot_id, now.boot_id) == 0)
        return moment->boot_us <= now.boot_us ? moment->boot_us : now.boot_us;
    int64_t passed_us = now.wall_us - moment->wall_us;
    return passed_us > now.boot_us ? now.boot_us - passed_us : 0;
}

static void encode_moment(struct encoder *json, const struct moment *moment)
{
    encode_object(json);
    fields_encode(json, &moment_list, moment);
}

static bool read_file(const struct keep *keep, const char *name, json_t **ret_root,
                      struct moment *ret_moment, struct error *err)
{
    auto_buf struct buf text = buf_of(FILE_MAX);

    if (!file_read(keep->identity->dir, name, &text, err))
        return false;
    buf_append(&text, "", 0);
    if (!json_parse(text.bytes, text.length, ret_root, err) ||
        !fields_decode(*ret_root, &moment_list, NULL, ret_moment, err)) {
        (void)error_context(err, "%s", name);
        err->code = ERROR_CORRUPT;
        return false;
    }
    return true;
}

static bool load_desired(struct keep *keep, struct error *err)
{
    auto_json json_t *root = NULL;
    const json_t *desired;
    struct moment moment;

    if (!read_file(keep, "desired.json", &root, &moment, err))
        return err->code == ERROR_NOT_FOUND;
    if (!json_need_object(root, "desired", &desired, err) ||
        !desired_decode(desired, &keep->arena, &keep->desired, err)) {
        (void)error_context(err, "desired.json");
        err->code = ERROR_CORRUPT;
        return false;
    }
    keep->has_desired = true;
    keep->saved_rev = keep->desired.desired_rev;
    keep->received_us = moment_here(keep, &moment);
    return true;
}

bool keep_open(const struct identity *identity, const struct clock *clock, struct keep *ret,
               struct error *err)
{
    struct keep keep = { .identity = identity,
                         .clock = clock,
                         .arena = arena_of(ARENA_MAX),
                         .unsaved = buf_of(FILE_MAX) };
    auto_json json_t *root = NULL;
    struct moment contact;
    struct error ignored;

    keep.last_contact_us = clock_boot_us(clock);
    if (read_file(&keep, "contact.json", &root, &contact, &ignored))
        keep.last_contact_us = moment_here(&keep, &contact);
    keep.contact_saved_us = keep.last_contact_us;
    bool is_loaded = load_desired(&keep, err);
    if (!is_loaded)
        arena_release(&keep.arena);
    *ret = keep;
    return is_loaded;
}

void keep_close(struct keep *keep)
{
    arena_release(&keep->arena);
    buf_release(&keep->unsaved);
    keep->has_desired = false;
}

/* The document as it is written: keys to a workspace or a cloud store are in memory alone. NULL: as
 * it came. */
static char *without_keys(json_t *root)
{
    json_t *instance, *op;
    size_t i;
    bool has_any = false;

    json_array_foreach(json_object_get(root, "instances"), i, instance)
    {
        json_t *spec = json_object_get(instance, "spec");

        has_any = json_object_del(spec, "workspace_key") == 0 || has_any;
    }
    json_array_foreach(json_object_get(root, "ops"), i, op)
    {
        has_any = json_object_del(op, "cloud_config") == 0 || has_any;
    }
    return has_any ? json_dumps(root, JSON_COMPACT) : NULL;
}

bool keep_lacks_keys(const struct keep *keep)
{
    for (int64_t i = 0; keep->has_desired && i < keep->desired.instance_count; i++) {
        const struct desired_instance *instance = &keep->desired.instances[i];

        if (instance->state == DESIRED_RUNNING && instance->spec.workspace_gb > 0 &&
            instance->spec.workspace_key == NULL)
            return true;
    }
    return false;
}

bool keep_take(struct keep *keep, const char *text, size_t length, struct error *err)
{
    struct arena arena = arena_of(ARENA_MAX);
    struct moment now = moment_now(keep);
    struct buf file = buf_of(FILE_MAX);
    struct encoder json = encoder_of(&file);
    auto_json json_t *root = NULL;
    struct desired desired;

    if (!json_parse(text, length, &root, err) || !desired_decode(root, &arena, &desired, err)) {
        arena_release(&arena);
        return error_context(err, "the desired state");
    }
    encode_moment(&json, &now);
    encode_key(&json, "desired");
    char *kept = without_keys(root);
    encode_raw(&json, kept != NULL ? kept : text, kept != NULL ? strlen(kept) : length);
    encode_end(&json);
    free(kept);
    if (file.has_overflowed) {
        buf_release(&file);
        arena_release(&arena);
        return error_set(err, ERROR_OUT_OF_RANGE, "the desired state is too long");
    }

    arena_release(&keep->arena);
    keep->arena = arena;
    buf_release(&keep->unsaved);
    keep->unsaved = file;
    keep->desired = desired;
    keep->has_desired = true;
    keep->received_us = now.boot_us;
    return true;
}

bool keep_save(struct keep *keep, struct error *err)
{
    const struct buf *file = &keep->unsaved;

    if (file->length == 0)
        return true;
    if (!file_replace(keep->identity->dir, "desired.json", 0600, file->bytes, file->length, err))
        return error_context(err, "save the desired state");
    keep->saved_rev = keep->desired.desired_rev;
    buf_release(&keep->unsaved);
    return true;
}

void keep_contact(struct keep *keep)
{
    auto_buf struct buf file = buf_of(4096);
    struct encoder json = encoder_of(&file);
    struct moment now = moment_now(keep);
    struct error ignored;

    keep->last_contact_us = now.boot_us;
    if (now.boot_us - keep->contact_saved_us < CONTACT_EVERY_US)
        return;
    keep->contact_saved_us = now.boot_us;
    encode_moment(&json, &now);
    encode_end(&json);
    /* A lost note only makes a host that is cut off stop a little early. */
    if (!file_replace(keep->identity->dir, "contact.json", 0600, file.bytes, file.length, &ignored))
        return;
}
