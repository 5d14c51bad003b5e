/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_verified.h"

#include <stdio.h>

#include "base/instant.h"
#include "base/json.h"

enum { PATH_SIZE = 96 };

static const struct table_column columns[] = {
    { "What is asked", false, 0, 0 }, { "State", false, 0, 0 },        { "Measured", false, 0, 0 },
    { "Needed", false, 1, 0 },        { "Fails: costs", false, 2, 0 }, { "Next look", true, 2, 0 },
};

static void add_time_left(struct table *table, const json_t *check, double now)
{
    char text[AGE_TEXT_SIZE];
    double left = print_real_of(check, "next_at") - now;

    if (!json_is_number(json_member(check, "next_at")))
        table_cell(table, "-");
    else
        table_cell(table, "%s", left >= 1 ? print_age((int64_t)left, text) : "now");
}

static void print_mends(struct cli *cli, const json_t *checks)
{
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);

        if (json_is_string(json_member(check, "mend")))
            cli_note(cli, "%s: %s.", print_text_of(check, "title"), print_text_of(check, "mend"));
    }
}

static void print_checks(struct cli *cli, const json_t *reply)
{
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    const json_t *checks = json_member(reply, "checks"), *back = json_member(reply, "back_at");
    size_t failed = json_array_size(json_member(reply, "failed"));
    double now = print_real_of(reply, "now");
    char left[AGE_TEXT_SIZE];

    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);

        table_text(&table, check, "title");
        table_text(&table, check, "state");
        table_text(&table, check, "measured");
        table_text(&table, check, "needed");
        table_text(&table, check, "costs");
        add_time_left(&table, check, now);
    }
    print_line(cli->out, "machine", "%lld is %s%s", (long long)print_int_of(reply, "machine_id"),
               print_text_of(reply, "verification"),
               json_is_true(json_member(reply, "is_set")) ? ": an operator has said so" : "");
    print_line(cli->out, "lines", "%zu of %zu are not met", failed, json_array_size(checks));
    if (json_is_number(back) && json_number_value(back) > now)
        print_line(cli->out, "back", "in %s, if all else is good",
                   print_age((int64_t)(json_number_value(back) - now), left));
    table_write(&table, cli->style, cli->out);
    print_mends(cli, checks);
}

bool cmd_why_verified(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/checks/", id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        print_checks(cli, reply);
    return true;
}
