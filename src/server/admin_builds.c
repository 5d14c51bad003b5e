/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_builds.h"

#include "base/encode.h"
#include "flow/agent_build.h"

enum { BUILDS_ARENA_MAX = 1 << 20 };

bool admin_build_list(struct admin *admin, struct error *err)
{
    auto_arena struct arena arena = arena_of(BUILDS_ARENA_MAX);
    struct encoder json = encoder_of(admin->out);
    struct agent_build_row *builds;
    char time[INSTANT_TEXT_SIZE];
    size_t count;

    if (!flow_agent_build_list(&admin->flow, &arena, &builds, &count, err))
        return false;
    encode_object(&json);
    encode_key(&json, "builds");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_text(&json, "digest", builds[i].digest);
        encode_field_text(&json, "version", builds[i].version);
        encode_field_text(&json, "added", instant_format(builds[i].added, time));
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    return true;
}

static bool report(struct admin *admin, enum agent_build_outcome outcome, struct error *err)
{
    struct encoder json = encoder_of(admin->out);

    switch (outcome) {
    case AGENT_BUILD_DONE:
        encode_object(&json);
        encode_field_bool(&json, "success", true);
        encode_end(&json);
        return true;
    case AGENT_BUILD_BAD_DIGEST:
        return admin_refuse(err, "a digest is what sha256sum prints: 64 hexadecimal digits");
    case AGENT_BUILD_BAD_VERSION:
        return admin_refuse(err, "--reference says which version it is, in at most 31 bytes");
    case AGENT_BUILD_FULL:
        return admin_refuse(err, "there are too many: remove old ones");
    case AGENT_BUILD_NOT_FOUND:
        break;
    }
    return error_set(err, ERROR_NOT_FOUND, "no program has that digest");
}

bool admin_build_add(struct admin *admin, struct error *err)
{
    enum agent_build_outcome outcome;
    const char *version;

    return admin_need(admin, "reference", &version, err) &&
           flow_agent_build_add(&admin->flow, admin->options->words[2], version, &outcome, err) &&
           report(admin, outcome, err);
}

bool admin_build_remove(struct admin *admin, struct error *err)
{
    enum agent_build_outcome outcome;

    return flow_agent_build_remove(&admin->flow, admin->options->words[2], &outcome, err) &&
           report(admin, outcome, err);
}
