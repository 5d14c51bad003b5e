/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/schedule_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_machines.h"
#include "sys/clock.h"

enum { BODY_MAX = 32 * 1024, DAY_S = 86400, DAYS_DEFAULT = 7, LAST_DAY = 6, LAST_HOUR = 23 };

static const char JOBS_PATH[] = "/api/v0/commands/schedule_job/";

struct schedule {
    const char *frequency;
    int64_t start_s, end_s, day, hour; /* -1: any */
};

/* A number up to `max`; "*", or nothing where nothing is wanted: any. */
static bool read_part(struct cli *cli, const char *option, bool is_wanted, uint64_t max,
                      int64_t *ret, struct error *err)
{
    const char *text = args_get(&cli->args, option);
    uint64_t number = 0;

    *ret = -1;
    if (!is_wanted && (text == NULL || strcmp(text, "*") == 0))
        return true;
    if (!is_wanted)
        return cli_usage(cli, err, "--schedule %s goes with --%s '*' alone",
                         args_get(&cli->args, "schedule"), option);
    if (text != NULL && (!parse_u64(text, &number) || number > max))
        return cli_usage(cli, err, "--%s is a number from 0 to %d", option, (int)max);
    *ret = (int64_t)number;
    return true;
}

static bool read_date(struct cli *cli, const char *option, int64_t fallback_s, int64_t *ret_s,
                      struct error *err)
{
    const char *text = args_get(&cli->args, option);

    *ret_s = fallback_s;
    return text == NULL || machines_parse_date(text, ret_s) ||
           cli_usage(cli, err, "--%s: '%.32s' is no date such as 2027-01-31", option, text);
}

static bool read_schedule(struct cli *cli, struct schedule *ret, struct error *err)
{
    int64_t now_s = clock_now(&clock_system).microseconds / US_PER_SECOND;
    const char *frequency = args_get(&cli->args, "schedule");
    bool is_hourly = strcmp(frequency, "HOURLY") == 0, is_weekly = strcmp(frequency, "WEEKLY") == 0;

    if (!is_hourly && !is_weekly && strcmp(frequency, "DAILY") != 0)
        return cli_usage(cli, err, "--schedule is HOURLY, DAILY or WEEKLY");
    ret->frequency = frequency;
    if (!read_part(cli, "day", is_weekly, LAST_DAY, &ret->day, err) ||
        !read_part(cli, "hour", !is_hourly, LAST_HOUR, &ret->hour, err) ||
        !read_date(cli, "start-date", now_s, &ret->start_s, err) ||
        !read_date(cli, "end-date", now_s + (int64_t)DAYS_DEFAULT * DAY_S, &ret->end_s, err))
        return false;
    return ret->start_s < ret->end_s ||
           cli_usage(cli, err, "--start-date has to come before --end-date");
}

static void write_part(struct encoder *json, const char *name, int64_t value)
{
    encode_key(json, name);
    if (value < 0)
        encode_null(json);
    else
        encode_int(json, value);
}

static void write_job(struct encoder *json, const struct schedule *schedule, long long instance_id,
                      const char *path, const struct buf *body)
{
    encode_object(json);
    encode_field_int(json, "start_time", schedule->start_s);
    encode_field_int(json, "end_time", schedule->end_s);
    encode_field_text(json, "api_endpoint", path);
    encode_field_text(json, "request_method", "PUT");
    encode_key(json, "request_body");
    encode_raw(json, body->bytes, body->length);
    write_part(json, "day_of_the_week", schedule->day);
    write_part(json, "hour_of_the_day", schedule->hour);
    encode_field_text(json, "frequency", schedule->frequency);
    encode_field_int(json, "instance_id", instance_id);
    encode_end(json);
}

/* The job that the instance has of that request; 0: none. */
static bool find_job(struct cli *cli, const char *path, long long *ret_id, struct error *err)
{
    auto_json json_t *jobs = NULL;

    *ret_id = 0;
    if (!client_call(cli->client, "GET", JOBS_PATH, NULL, &jobs, err))
        return false;
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        const json_t *job = json_array_get(jobs, i);

        if (strcmp(print_text_of(job, "api_endpoint"), path) == 0)
            *ret_id = (long long)print_int_of(job, "id");
    }
    return true;
}

bool schedule_add(struct cli *cli, long long instance_id, const char *path, const struct buf *body,
                  struct error *err)
{
    auto_buf struct buf job = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&job);
    struct schedule schedule;
    char own_path[96];
    long long id;

    if (!read_schedule(cli, &schedule, err) || !find_job(cli, path, &id, err))
        return false;
    write_job(&json, &schedule, instance_id, path, body);
    if (job.has_overflowed)
        return cli_usage(cli, err, "the job is too long");
    if (id == 0)
        (void)snprintf(own_path, sizeof own_path, "%s", JOBS_PATH);
    else
        (void)snprintf(own_path, sizeof own_path, "%s%lld/", JOBS_PATH, id);
    if (!client_call(cli->client, id == 0 ? "POST" : "PUT", own_path, &job, &reply, err))
        return error_context(err, "schedule");
    if (cli_print_raw(cli, reply))
        return true;
    buf_printf(cli->out, "Instance %lld: a %s job is scheduled%s.\n", instance_id,
               schedule.frequency, id == 0 ? "" : ", in place of the one before");
    return true;
}
