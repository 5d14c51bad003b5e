/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/instant.h"
#include "base/json.h"
#include "base/parse.h"

enum { PATH_SIZE = 96, EVENTS_SHOWN = 20, HOURS_MAX = 87600 };

const struct args_option cmd_why_score_options[] = {
    { "hours", 0, "N", "how likely it lasts so long as you want it" },
    { NULL, 0, NULL, NULL },
};

static const double prior_interruptions = 0.5, prior_hours = 13.5, hour_s = 3600;

static const struct table_column event_columns[] = {
    { "What", false, 0, 0 },      { "Began", false, 0, 0 },  { "Lasted", true, 0, 0 },
    { "Cause", false, 2, 0 },     { "Rented", false, 2, 0 }, { "Counts as", true, 0, 0 },
    { "Weighs now", true, 0, 0 },
};

/* What the log comes to, with nothing taken from the market but the events. */
struct sums {
    double interruptions, hours, half_life_s, now;
};

static double weight(const struct sums *sums, double when)
{
    return exp2(-(sums->now - when) / sums->half_life_s);
}

static double end_of(const json_t *event, double now)
{
    const json_t *end = json_member(event, "end");

    return json_is_number(end) ? json_number_value(end) : now;
}

/* Time from `from` to `until`, each moment at its weight, in hours. */
static double weighed_hours(const struct sums *sums, double from, double until)
{
    double rate = sums->half_life_s / log(2);

    return until > from ? rate * (weight(sums, until) - weight(sums, from)) / hour_s : 0;
}

/* Events come newest first: between one outage and the next it was up. */
static struct sums add_up(const json_t *reply)
{
    struct sums sums = { .interruptions = prior_interruptions,
                         .hours = prior_hours,
                         .half_life_s = print_real_of(reply, "half_life_days") * 86400,
                         .now = print_real_of(reply, "now") };
    const json_t *events = json_member(reply, "events");
    double until = sums.now;

    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *kind = print_text_of(event, "kind");
        double start = print_real_of(event, "start"), end = end_of(event, sums.now);

        sums.interruptions += print_real_of(event, "severity") * weight(&sums, end);
        if (strcmp(kind, "failed_start") == 0)
            continue;
        sums.hours += weighed_hours(&sums, end, until);
        until = start;
    }
    return sums;
}

static void add_event(struct table *table, const json_t *event, const struct sums *sums)
{
    char began[INSTANT_TEXT_SIZE], lasted[AGE_TEXT_SIZE];
    double start = print_real_of(event, "start"), end = end_of(event, sums->now);
    double severity = print_real_of(event, "severity");

    instant_format((struct instant){ (int64_t)start * US_PER_SECOND }, began);
    table_text(table, event, "kind");
    table_cell(table, "%.16s", began);
    table_cell(table, "%s", end > start ? print_age((int64_t)(end - start), lasted) : "-");
    table_cell(table, "%s",
               strcmp(print_text_of(event, "kind"), "outage") == 0 ? print_text_of(event, "cause")
                                                                   : "-");
    table_cell(table, "%s", json_is_true(json_member(event, "had_rental")) ? "yes" : "no");
    table_cell(table, "%.2f", severity);
    table_cell(table, "%.4f", severity * weight(sums, end));
}

/* What is asked for, in hours; 0: nothing is. */
static bool read_hours(struct cli *cli, double *ret, struct error *err)
{
    const char *text = args_get(&cli->args, "hours");
    uint64_t hours = 0;

    if (text != NULL && (!parse_u64(text, &hours) || hours == 0 || hours > HOURS_MAX))
        return cli_usage(cli, err, "--hours is a whole number from 1 to %d", HOURS_MAX);
    *ret = (double)hours;
    return true;
}

/* By the market's two numbers, and by what the log comes to here. */
static void print_chance(struct cli *cli, const json_t *reply, const struct sums *sums,
                         double hours)
{
    double up = print_real_of(reply, "up_hours");
    double lost = print_real_of(reply, "interruptions");

    print_line(cli->out, "as long as you want it",
               "%.4f, the chance of %.4g h without an interruption", pow(up / (up + hours), lost),
               hours);
    print_line(cli->out, "worked out",
               "%.4f = (%.2f / (%.2f + %.4g)) ^ %.4f, from the events below",
               pow(sums->hours / (sums->hours + hours), sums->interruptions), sums->hours,
               sums->hours, hours, sums->interruptions);
}

static void print_score(struct cli *cli, const json_t *reply, double hours)
{
    auto_table struct table table =
        table_of(event_columns, sizeof event_columns / sizeof event_columns[0]);
    const json_t *events = json_member(reply, "events");
    struct sums sums = add_up(reply);
    double day = pow(sums.hours / (sums.hours + 24), sums.interruptions);

    print_line(cli->out, "reliability", "%.4f, the chance of a day without an interruption",
               print_real_of(reply, "reliability"));
    print_line(cli->out, "worked out", "%.4f = (%.2f / (%.2f + 24)) ^ %.4f, from the events below",
               day, sums.hours, sums.hours, sums.interruptions);
    if (hours > 0)
        print_chance(cli, reply, &sums, hours);
    print_line(cli->out, "up",
               "%.2f h: %.1f for a start, and what was seen, half of it after %d days", sums.hours,
               prior_hours, (int)print_int_of(reply, "half_life_days"));
    print_line(cli->out, "interruptions", "%.4f: %.1f for a start, and what the events weigh",
               sums.interruptions, prior_interruptions);
    print_line(cli->out, "a week, 30 days", "%.4f, %.4f", print_real_of(reply, "chance_7d"),
               print_real_of(reply, "chance_30d"));
    print_line(cli->out, "in score", "%.4f, the mean of 1, 3, 9 and 27 days",
               print_real_of(reply, "reliability_mult"));
    print_line(cli->out, "availability", "%.4f: %.1f h between, %.2f h each",
               print_real_of(reply, "availability"), print_real_of(reply, "mtbf_hours"),
               print_real_of(reply, "mttr_hours"));
    for (size_t i = 0; i < json_array_size(events) && i < EVENTS_SHOWN; i++)
        add_event(&table, json_array_get(events, i), &sums);
    if (json_array_size(events) > 0)
        table_write(&table, cli->style, cli->out);
    if (json_array_size(events) > EVENTS_SHOWN)
        cli_note(cli, "%zu older events are not shown; --raw has them.",
                 json_array_size(events) - EVENTS_SHOWN);
}

bool cmd_why_score(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    double hours;
    long long id;

    if (!read_hours(cli, &hours, err) || !cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/history/", id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        print_score(cli, reply, hours);
    return true;
}
