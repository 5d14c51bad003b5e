/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_parked.h"

#include "base/encode.h"
#include "flow/parked.h"

enum { PARKED_ARENA_MAX = 1 << 20 };

static void encode_row(struct encoder *json, const struct parked_row *row)
{
    char time[INSTANT_TEXT_SIZE];

    encode_object(json);
    encode_field_int(json, "id", row->id);
    encode_field_int(json, "instance", row->contract_id);
    encode_field_int(json, "renter", row->owner_id);
    encode_field_int(json, "host", row->host_id);
    encode_field_int(json, "machine", row->machine_id);
    encode_field_text(json, "from", instant_format(row->from, time));
    encode_field_int(json, "gpu_ms", row->gpu_us / US_PER_MS);
    encode_field_int(json, "outage_ms", row->outage_us / US_PER_MS);
    encode_field_text(json, "parked", instant_format(row->parked, time));
    encode_field_money(json, "worth", parked_worth(row));
    encode_field_bool(json, "can_be_charged", row->destroyed.microseconds == 0);
    encode_end(json);
}

bool admin_parked_list(struct admin *admin, struct error *err)
{
    auto_arena struct arena arena = arena_of(PARKED_ARENA_MAX);
    struct encoder json = encoder_of(admin->out);
    struct parked_row *rows;
    size_t count;

    if (!flow_parked_list(&admin->flow, &arena, &rows, &count, err))
        return false;
    encode_object(&json);
    encode_key(&json, "parked");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_row(&json, &rows[i]);
    encode_end(&json);
    encode_end(&json);
    return true;
}

typedef bool decide_flow(const struct flow *flow, int64_t id, struct parked_row *ret,
                         enum parked_outcome *ret_outcome, struct error *err);

static bool decide(struct admin *admin, decide_flow *flow, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    enum parked_outcome outcome;
    struct parked_row row;
    int64_t id;

    if (!admin_parse_id(admin->options->words[2], &id, err) ||
        !flow(&admin->flow, id, &row, &outcome, err))
        return false;
    switch (outcome) {
    case PARKED_DONE:
    case PARKED_WAS_DECIDED:
        encode_object(&json);
        encode_field_bool(&json, "success", true);
        encode_field_bool(&json, "changed", outcome == PARKED_DONE);
        encode_field_int(&json, "charged_ms", row.charged_us / US_PER_MS);
        encode_end(&json);
        return true;
    case PARKED_NOT_FOUND:
        return error_set(err, ERROR_NOT_FOUND, "nothing waits under that number");
    case PARKED_TOO_LATE:
        return admin_refuse(err, "the instance is destroyed: drop it");
    }
    return admin_refuse(err, "the market refused");
}

bool admin_parked_charge(struct admin *admin, struct error *err)
{
    return decide(admin, flow_parked_charge, err);
}

bool admin_parked_drop(struct admin *admin, struct error *err)
{
    return decide(admin, flow_parked_drop, err);
}
