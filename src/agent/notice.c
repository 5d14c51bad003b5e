/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notice.h"

#include "agent/agent.h"
#include "agent/metadata.h"
#include "agent/preempt.h"

enum { ENTRIES_ARENA_MAX = 4 << 20 };

struct instant notice_deadline(const struct instance *instance)
{
    const struct agent *agent = instance->agent;
    int64_t due_us = agent->keep.received_us + instance->desired->notice.after_ms * US_PER_MS;

    return instant_add(clock_now(agent->clock), due_us - loop_now_us(agent->loop));
}

static const char *notice_text(struct arena *arena, const struct instance *instance)
{
    auto_buf struct buf text = buf_of(PREEMPT_TEXT_MAX);

    /* Not before it has been carried out: then the deadline is in the record. */
    if (!instance->desired->has_notice || instance->record.notice_gen < instance->desired->gen)
        return "";
    preempt_encode(&text, &instance->desired->notice,
                   (struct instant){ instance->record.notice_deadline_us });
    const char *copy = text.has_overflowed ? NULL : arena_text(arena, text.bytes);
    return copy != NULL ? copy : "";
}

void notice_update(struct agent *agent)
{
    auto_arena struct arena arena = arena_of(ENTRIES_ARENA_MAX);
    struct metadata_entry *entries = arena_alloc(&arena, METADATA_INSTANCES_MAX, sizeof *entries);
    size_t count = 0;

    for (size_t i = 0; i < agent->instances.count && count < METADATA_INSTANCES_MAX; i++) {
        const struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);
        char token[TOTALS_TOKEN_SIZE];

        if (entries == NULL || seen == NULL || seen->state != SEEN_RUNNING ||
            seen_is_for_copies(seen) || seen->pid <= 0 || instance->desired == NULL ||
            !instance->has_record)
            continue;
        const char *copy = arena_text(&arena, seen_start_token(seen, token));
        entries[count++] = (struct metadata_entry){
            .instance_id = instance->id,
            .pid = seen->pid,
            .container_id = seen->id,
            .token = copy != NULL ? copy : "",
            .notice = notice_text(&arena, instance),
        };
    }
    metadata_update(agent->metadata, entries, count);
}
