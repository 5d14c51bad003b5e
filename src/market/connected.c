/* SPDX-License-Identifier: Apache-2.0 */
#include "market/connected.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

/* Microseconds from `from` until `to`, or 0 where `to` came first. */
static int64_t span_us(struct instant from, struct instant to)
{
    int64_t us = instant_until(from, to);

    return us > 0 ? us : 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_same_run(const struct connected *last, const struct connected_report *report)
{
    return last->is_running && report->is_running &&
           strcmp(last->start_token, report->start_token) == 0;
}

bool connected_has_gap(const struct connected *last, const struct connected_report *report)
{
    return is_same_run(last, report) &&
           instant_until(last->cursor, report->at) > CONNECTED_LEASE_US;
}

/* What the host's own clock says that it ran since the last report. */
static int64_t attested_us(const struct connected *last, const struct connected_report *report)
{
    int64_t ms;

    if (__builtin_sub_overflow(report->run_ms, last->run_ms, &ms) || ms <= 0)
        return 0;
    return ms > INT64_MAX / US_PER_MS ? INT64_MAX : ms * US_PER_MS;
}

struct connected_charge connected_report(const struct connected *last,
                                         const struct connected_report *report,
                                         struct connected *ret_next)
{
    struct connected_charge charge = { 0 };

    /* Late: what came later has been counted. Of the same moment it may be what ends the run. */
    if (instant_compare(report->at, last->cursor) < 0) {
        *ret_next = *last;
        return charge;
    }

    if (is_same_run(last, report)) {
        int64_t gap_us = instant_until(last->cursor, report->at);

        charge.charged_us = span_us(last->cursor, earlier(report->at, report->end));
        if (gap_us > CONNECTED_LEASE_US) {
            assert(report->outage_us >= 0);
            charge.charged_us = least(charge.charged_us, report->outage_us);
            charge.charged_us = least(charge.charged_us, attested_us(last, report));
            charge.missed_us = gap_us - charge.charged_us;
        }
    }

    struct connected next = {
        .is_running = report->is_running,
        .cursor = instant_max(last->cursor, report->at),
        .run_ms = report->is_running ? report->run_ms : 0,
    };
    if (report->is_running) {
        int length = snprintf(next.start_token, sizeof next.start_token, "%s", report->start_token);
        assert(length >= 0 && length < START_TOKEN_SIZE);
    }
    *ret_next = next;
    return charge;
}

struct connected_charge connected_cut(const struct connected *last, struct instant at,
                                      struct instant end, struct connected *ret_next)
{
    struct connected_charge charge = { 0 };

    if (last->is_running) {
        int64_t since_us = span_us(last->cursor, at);

        if (since_us <= CONNECTED_LEASE_US)
            charge.charged_us = span_us(last->cursor, earlier(at, end));
        else
            charge.missed_us = since_us;
    }
    *ret_next = (struct connected){ .cursor = instant_max(last->cursor, at) };
    return charge;
}

bool connected_is_live(const struct connected *last, struct instant at)
{
    return last->is_running && instant_until(last->cursor, at) < CONNECTED_LEASE_US;
}

/* The part of the gap that lies in `outage`, widened by a lease on either side, and behind what
 * has been counted up to `*counted`. */
static int64_t count_outage(struct span gap, struct span outage, struct instant *counted)
{
    struct instant from = instant_add(outage.from, -CONNECTED_LEASE_US);
    struct instant until = instant_add(outage.until, CONNECTED_LEASE_US);

    from = instant_max(from, *counted);
    until = earlier(until, gap.until);
    *counted = instant_max(*counted, until);
    return span_us(from, until);
}

int64_t connected_outage_us(struct span gap, const struct span *alive, size_t count)
{
    static const struct instant dawn = { INT64_MIN }, doom = { INT64_MAX };
    struct instant lived = dawn, counted = gap.from;
    int64_t sum_us = 0;

    for (size_t i = 0; i < count; i++) {
        if (instant_compare(alive[i].from, lived) > 0)
            sum_us += count_outage(gap, (struct span){ lived, alive[i].from }, &counted);
        lived = instant_max(lived, alive[i].until);
    }
    return sum_us + count_outage(gap, (struct span){ lived, doom }, &counted);
}
