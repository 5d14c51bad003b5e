/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/holder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/access_tools.h"
#include "agent/hostname.h"
#include "agent/leftover.h"
#include "agent/seen.h"
#include "agent/slots.h"
#include "base/encode.h"
#include "base/parse.h"

enum {
    BODY_MAX = 16 * 1024,
    LABELS_MAX = 1024,
    PATH_SIZE = 512,
    EMPTY_ARCHIVE_SIZE = 1024, /* a tar without files: two blocks of zeros */
    HOLDER_PIDS_MAX = 16,
    HOLDER_MEMORY_MAX = 32 << 20,
};

/* {"label":["berth.slot"]} */
#define SLOT_FILTER "%7B%22label%22%3A%5B%22" HOLDER_LABEL_SLOT "%22%5D%7D"

char *holder_name(int64_t slot, char name[static HOLDER_NAME_SIZE])
{
    (void)snprintf(name, HOLDER_NAME_SIZE, "berth-holder-%" PRId64, slot);
    return name;
}

static void encode_labels(struct encoder *json, const struct container_host *host, int64_t slot)
{
    char number[32];

    encode_object(json);
    encode_field_text(json, SEEN_LABEL_HOST, host->host);
    (void)snprintf(number, sizeof number, "%" PRId64, slot);
    encode_field_text(json, HOLDER_LABEL_SLOT, number);
    encode_end(json);
}

bool holder_bridge(struct docker *docker, const struct container_host *host, int64_t slot,
                   struct error *err)
{
    char name[SLOT_TEXT_SIZE], subnet[SLOT_TEXT_SIZE], gateway[SLOT_TEXT_SIZE];
    auto_buf struct buf labels = buf_of(LABELS_MAX);
    struct encoder json = encoder_of(&labels);

    encode_labels(&json, host, slot);
    struct docker_network network = {
        .name = slots_bridge(slot, name),
        .subnet = slots_subnet(slot, subnet),
        .gateway = slots_gateway(slot, gateway),
        .labels = labels.bytes,
    };
    return docker_network_make(docker, &network, err);
}

bool holder_network(struct docker *docker, const struct container_host *host, int64_t slot,
                    struct error *err)
{
    /* No door is open for a moment, whatever the engine starts in it. */
    return (host->isolate == NULL || isolate_admit(host->isolate, slot, err)) &&
           holder_bridge(docker, host, slot, err);
}

static void encode_host_config(struct encoder *json, const struct container_host *host,
                               int64_t slot)
{
    auto_buf struct buf bind = buf_of(4096);
    char bridge[SLOT_TEXT_SIZE];

    encode_object(json);
    encode_field_text(json, "NetworkMode", slots_bridge(slot, bridge));
    container_resolvers(json);
    encode_key(json, "CapDrop");
    encode_array(json);
    encode_text(json, "ALL");
    encode_end(json);
    encode_key(json, "SecurityOpt");
    encode_array(json);
    encode_text(json, "no-new-privileges");
    encode_end(json);
    encode_field_bool(json, "ReadonlyRootfs", true);
    encode_field_int(json, "PidsLimit", HOLDER_PIDS_MAX);
    encode_field_int(json, "Memory", HOLDER_MEMORY_MAX);
    encode_field_int(json, "MemorySwap", HOLDER_MEMORY_MAX);
    buf_printf(&bind, "%s:%s:ro", host->tools_dir, ACCESS_TOOLS_MOUNT);
    encode_key(json, "Binds");
    encode_array(json);
    encode_text(json, bind.bytes);
    encode_end(json);
    encode_key(json, "LogConfig");
    encode_object(json);
    encode_field_text(json, "Type", "none");
    encode_end(json);
    encode_end(json);
}

static void encode_holder(struct buf *out, const struct container_host *host, int64_t slot)
{
    struct encoder json = encoder_of(out);
    char name[HOLDER_NAME_SIZE];

    encode_object(&json);
    encode_field_text(&json, "Image", HOLDER_IMAGE);
    encode_field_text(&json, "Hostname", holder_name(slot, name));
    encode_key(&json, "Entrypoint");
    encode_array(&json);
    encode_text(&json, ACCESS_GUEST_HELPER);
    encode_text(&json, "launch");
    encode_end(&json);
    encode_key(&json, "Labels");
    encode_labels(&json, host, slot);
    encode_field_int(&json, "StopTimeout", 1);
    encode_key(&json, "HostConfig");
    encode_host_config(&json, host, slot);
    encode_end(&json);
}

/* An image without a file in it. */
static bool import_image(struct docker *docker, struct error *err)
{
    static const char archive[EMPTY_ARCHIVE_SIZE];
    static const char *const headers[] = { "Content-Type: application/x-tar", NULL };
    struct docker_call call = { .method = "POST",
                                .path = "/images/create?fromSrc=-&repo=berth-holder&tag=1",
                                .headers = headers,
                                .body = archive,
                                .body_length = sizeof archive };

    if (!docker_call(docker, &call, NULL, err))
        return error_context(err, "make the image %s", HOLDER_IMAGE);
    return true;
}

bool holder_make(struct docker *docker, const struct container_host *host, int64_t slot,
                 struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    char name[HOLDER_NAME_SIZE], id[DOCKER_ID_SIZE];

    if (!holder_network(docker, host, slot, err))
        return false;
    encode_holder(&body, host, slot);
    assert(!body.has_overflowed);
    (void)holder_name(slot, name);
    bool is_made = docker_create(docker, name, body.bytes, id, err);
    if (!is_made && err->code == ERROR_NOT_FOUND)
        is_made = import_image(docker, err) && docker_create(docker, name, body.bytes, id, err);
    if (!is_made && err->code != ERROR_CONFLICT)
        return error_context(err, "make %s", name);
    if (!docker_start(docker, name, err))
        return error_context(err, "start %s", name);
    return true;
}

static bool is_running(const json_t *inspected)
{
    return json_is_true(json_object_get(json_object_get(inspected, "State"), "Running"));
}

bool holder_prepare(struct docker *docker, const struct container_host *host, int64_t slot,
                    const char *hostname, struct error *err)
{
    char name[HOLDER_NAME_SIZE];
    auto_json json_t *root = NULL;
    const char *hostname_path, *hosts_path;

    (void)holder_name(slot, name);
    if (host->isolate != NULL && !isolate_ensure(host->isolate, slot, err))
        return false;
    bool is_there = docker_inspect(docker, name, &root, err);
    if (!is_there && err->code != ERROR_NOT_FOUND)
        return false;
    if (!is_there || !is_running(root)) {
        json_release(&root);
        if (!holder_make(docker, host, slot, err) || !docker_inspect(docker, name, &root, err))
            return false;
    }
    if (!json_need_text(root, "HostnamePath", PATH_SIZE, &hostname_path, err) ||
        !json_need_text(root, "HostsPath", PATH_SIZE, &hosts_path, err) ||
        !hostname_write(hostname_path, hosts_path, name, hostname, err))
        return error_context(err, "name %s", name);
    return true;
}

bool holder_remove(struct docker *docker, const struct container_host *host, int64_t slot,
                   struct error *err)
{
    char name[HOLDER_NAME_SIZE], bridge[SLOT_TEXT_SIZE];

    return leftover_remove(docker, holder_name(slot, name), err) &&
           docker_network_remove(docker, slots_bridge(slot, bridge), err) &&
           (host->isolate == NULL || isolate_dismiss(host->isolate, slot, err));
}

/* What is there */

/* The slot in the labels of a container or network of this host; 0: none. */
static int64_t slot_of(const json_t *object, const char *host)
{
    const json_t *labels = json_object_get(object, "Labels");
    const char *owner = json_string_value(json_object_get(labels, SEEN_LABEL_HOST));
    const char *text = json_string_value(json_object_get(labels, HOLDER_LABEL_SLOT));
    uint64_t slot;

    if (owner == NULL || text == NULL || strcmp(owner, host) != 0 || !parse_u64(text, &slot) ||
        slot < 1 || slot > SLOT_MAX)
        return 0;
    return (int64_t)slot;
}

static struct holder_slot *find(struct holder_slot *slots, size_t count, int64_t slot)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].slot == slot)
            return &slots[i];
    }
    return NULL;
}

static void add(struct holder_slot *slots, size_t *count, struct holder_slot slot)
{
    if (*count < HOLDER_SLOTS_MAX)
        slots[(*count)++] = slot;
}

/* The slot of the holder with that id or name among the containers; 0: none. */
static int64_t slot_of_holder(const json_t *containers, const char *host, const char *id)
{
    size_t index;
    json_t *item;

    json_array_foreach(containers, index, item)
    {
        const char *own = json_string_value(json_object_get(item, "Id"));
        char name[HOLDER_NAME_SIZE];
        int64_t slot = slot_of(item, host);

        if (slot > 0 &&
            ((own != NULL && strcmp(own, id) == 0) || strcmp(holder_name(slot, name), id) == 0))
            return slot;
    }
    return 0;
}

/* The slot that a container which is no holder lives in; 0: none of ours. */
static int64_t slot_in_use(const json_t *containers, const json_t *container, const char *host)
{
    const char *mode =
        json_string_value(json_object_get(json_object_get(container, "HostConfig"), "NetworkMode"));
    uint64_t slot;

    if (mode == NULL || slot_of(container, host) > 0)
        return 0;
    if (strncmp(mode, "container:", 10) == 0)
        return slot_of_holder(containers, host, mode + 10);
    return strncmp(mode, "bt", 2) == 0 && parse_u64(mode + 2, &slot) && slot <= SLOT_MAX
               ? (int64_t)slot
               : 0;
}

void holder_list_of(const struct holder_facts *facts, struct holder_slot *slots, size_t *ret_count)
{
    const json_t *containers = facts->containers;
    const char *host = facts->host;
    size_t index, count = 0;
    json_t *item;

    json_array_foreach(facts->networks, index, item)
    {
        int64_t slot = slot_of(item, host);

        if (slot > 0 && find(slots, count, slot) == NULL)
            add(slots, &count, (struct holder_slot){ .slot = slot });
    }
    /* An agent was killed after it had named the network, or before it took the name out. */
    for (size_t i = 0; i < facts->walled_count; i++) {
        if (find(slots, count, facts->walled[i]) == NULL)
            add(slots, &count, (struct holder_slot){ .slot = facts->walled[i], .is_broken = true });
    }
    json_array_foreach(containers, index, item)
    {
        const char *state = json_string_value(json_object_get(item, "State"));
        int64_t slot = slot_of(item, host);
        struct holder_slot *known = find(slots, count, slot);

        if (slot == 0)
            continue;
        if (known == NULL)
            add(slots, &count, (struct holder_slot){ .slot = slot, .is_broken = true });
        else if (state != NULL && strcmp(state, "running") == 0)
            known->is_held = true;
        else
            known->is_broken = true;
    }
    json_array_foreach(containers, index, item)
    {
        struct holder_slot *used = find(slots, count, slot_in_use(containers, item, host));

        if (used != NULL)
            *used = slots[--count];
    }
    *ret_count = count;
}

bool holder_list(struct docker *docker, const struct container_host *host,
                 struct holder_slot *slots, size_t *ret_count, struct error *err)
{
    struct docker_call list_networks = { .method = "GET",
                                         .path = "/networks?filters=" SLOT_FILTER };
    struct docker_call list_containers = { .method = "GET", .path = "/containers/json?all=1" };
    auto_json json_t *networks = NULL, *containers = NULL;
    static struct holder_facts facts;

    if (!docker_call(docker, &list_networks, &networks, err) ||
        !docker_call(docker, &list_containers, &containers, err))
        return error_context(err, "list the networks");
    facts = (struct holder_facts){ host->host, networks, containers, 0, { 0 } };
    if (host->isolate != NULL &&
        !isolate_guests(host->isolate, facts.walled, HOLDER_SLOTS_MAX, &facts.walled_count, err))
        return false;
    holder_list_of(&facts, slots, ret_count);
    return true;
}
