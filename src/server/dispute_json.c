/* SPDX-License-Identifier: Apache-2.0 */
#include "server/dispute_json.h"

#include "server/fields.h"

void dispute_answer_encode(struct encoder *json, const struct dispute_answer_row *answer,
                           dispute_time *encode_time)
{
    const struct dispute_facts *facts = &answer->facts;

    encode_object(json);
    encode_field_text(json, "state", dispute_answer_state_name(answer->state));
    encode_field_text(json, "note", answer->note);
    encode_field_text(json, "email", facts->email);
    encode_field_text(json, "name", facts->name);
    encode_field_text(json, "billing_address", facts->billing);
    encode_field_text(json, "ordered_from", facts->address);
    encode_field_text(json, "served_from", facts->served);
    encode_field_text(json, "product", facts->product);
    encode_field_text(json, "activity", facts->activity);
    encode_field_text(json, "record", facts->record);
    encode_time(json, "made_at", answer->made);
    encode_time(json, "sent_at", answer->sent);
    field_known_int(json, "sent_by", answer->by_user);
    encode_field_text(json, "reason", answer->reason);
    encode_end(json);
}
