/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/vacancy.h"

#include <string.h>

struct vacancy vacancy_of(const struct machine_facts *facts)
{
    struct vacancy vacancy = { .is_idle = true };

    for (int64_t i = 0; i < facts->gpu_count; i++)
        vacancy.gpus[i] = true;
    return vacancy;
}

static bool is_named(const char *uuids, const char *uuid)
{
    size_t length = strlen(uuid);

    while (*uuids != '\0') {
        size_t next = strcspn(uuids, ",");

        if (next == length && memcmp(uuids, uuid, length) == 0)
            return true;
        uuids += next + (uuids[next] == ',');
    }
    return false;
}

void vacancy_take(struct vacancy *vacancy, const struct machine_facts *facts, const char *uuids)
{
    vacancy->is_idle = false;
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        if (*uuids == '\0' || is_named(uuids, facts->gpus[i].uuid))
            vacancy->gpus[i] = false;
    }
}

bool vacancy_has(const struct vacancy *vacancy, const struct machine_facts *facts, const char *uuid)
{
    for (int64_t i = 0; i < facts->gpu_count && *uuid != '\0'; i++) {
        if (strcmp(facts->gpus[i].uuid, uuid) == 0)
            return vacancy->gpus[i];
    }
    return vacancy->is_idle;
}

bool vacancy_has_any(const struct vacancy *vacancy, const struct machine_facts *facts)
{
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        if (vacancy->gpus[i])
            return true;
    }
    return vacancy->is_idle;
}
