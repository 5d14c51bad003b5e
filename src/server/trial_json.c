/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trial_json.h"

static void encode_line(struct encoder *json, const struct trial_line *line)
{
    encode_object(json);
    encode_field_int(json, "code", line->account->code);
    encode_field_text(json, "name", line->account->name);
    encode_field_text(json, "meaning", line->account->meaning);
    encode_field_exact(json, "debits", line->debits);
    encode_field_exact(json, "credits", line->credits);
    encode_field_exact(json, "balance", line->balance);
    encode_end(json);
}

void trial_encode(struct encoder *json, const struct trial_balance *trial)
{
    encode_object(json);
    encode_key(json, "accounts");
    encode_array(json);
    for (size_t i = 0; i < trial->line_count; i++)
        encode_line(json, &trial->lines[i]);
    encode_end(json);
    encode_field_exact(json, "assets", trial->assets);
    encode_field_exact(json, "liabilities", trial->liabilities);
    encode_field_exact(json, "equity", trial->equity);
    encode_field_exact(json, "income", trial->income);
    encode_field_exact(json, "expenses", trial->expenses);
    encode_field_bool(json, "is_balanced", trial->is_balanced);
    encode_end(json);
}
