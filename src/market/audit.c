/* SPDX-License-Identifier: Apache-2.0 */
#include "market/audit.h"

#define WAIT_MIN_US (60 * US_PER_SECOND)

struct audit_standing audit_judge(struct audit_standing standing, struct audit_answer answer)
{
    int64_t twice = standing.suspicion & answer.seen & answer.tested;

    standing.suspicion = (standing.suspicion & ~answer.tested) | (answer.seen & answer.tested);
    if (!answer.is_good || twice != 0) {
        if (standing.debt == 0)
            standing.before = standing.now;
        standing.debt = AUDIT_DEBT;
        standing.now = VERIFICATION_DEVERIFIED;
        return standing;
    }
    if (standing.debt > 0 && --standing.debt == 0 && standing.now == VERIFICATION_DEVERIFIED)
        standing.now = standing.before;
    return standing;
}

int64_t audit_tested(enum audit_kind kind)
{
    switch (kind) {
    case AUDIT_COMPUTE:
        return AUDIT_TOO_FAST;
    case AUDIT_MEMORY:
        return AUDIT_OTHER_MODEL | AUDIT_ELSEWHERE | AUDIT_UNLIKE;
    case AUDIT_DISK:
        return AUDIT_SLOW_DISK;
    case AUDIT_NETWORK:
        break;
    }
    return AUDIT_SLOW_NETWORK;
}

int64_t audit_silent(enum audit_kind kind)
{
    switch (kind) {
    case AUDIT_COMPUTE:
        return AUDIT_SILENT_COMPUTE;
    case AUDIT_MEMORY:
        return AUDIT_SILENT_MEMORY;
    case AUDIT_DISK:
        return AUDIT_SILENT_DISK;
    case AUDIT_NETWORK:
        break;
    }
    return AUDIT_SILENT_NETWORK;
}

struct audit_standing audit_judge_silence(struct audit_standing standing, int64_t silent)
{
    const struct audit_answer none = { true, silent, silent };

    /* Who owes answers has given none, neither. */
    if (standing.debt > 0)
        standing.debt++;
    return audit_judge(standing, none);
}

struct audit_standing audit_judge_figures(struct audit_standing standing, bool is_unlike)
{
    standing.suspicion &= ~(int64_t)AUDIT_UNLIKE;
    if (is_unlike)
        standing.suspicion |= AUDIT_UNLIKE;
    return standing;
}

bool audit_kind_is_trial(enum audit_kind kind)
{
    return kind == AUDIT_DISK || kind == AUDIT_NETWORK;
}

const char *audit_kind_name(enum audit_kind kind)
{
    switch (kind) {
    case AUDIT_COMPUTE:
        return "compute";
    case AUDIT_MEMORY:
        return "memory";
    case AUDIT_DISK:
        return "disk";
    case AUDIT_NETWORK:
        break;
    }
    return "network";
}

bool audit_is_pressing(struct audit_standing standing)
{
    return standing.debt > 0 || standing.suspicion != 0;
}

/* The natural logarithm of 2^16 over a number from 1 to 2^16, in thousandths: by squaring, one bit
 * of the logarithm to the base of 2 after the other. */
static int64_t log_milli(uint64_t number)
{
    uint64_t x = number << 15; /* from 1 to 2, times 2^31 */
    int64_t log2 = 0;          /* times 1024 */

    while (x < UINT64_C(1) << 31) {
        x <<= 1;
        log2 += 1024;
    }
    for (int64_t bit = 512; bit > 0; bit /= 2) {
        x = x * x >> 31;
        if (x >= UINT64_C(1) << 32) {
            x >>= 1;
            log2 -= bit;
        }
    }
    return log2 * 693 / 1024;
}

/* Of exponential waits any moment is as likely as any other. */
int64_t audit_wait_us(uint64_t random, bool is_pressing)
{
    int64_t mean_us = is_pressing ? AUDIT_DEBT_US : AUDIT_MEAN_US;
    int64_t wait_us = mean_us / 1000 * log_milli((random & 0xffff) + 1);

    return wait_us > WAIT_MIN_US ? wait_us : WAIT_MIN_US;
}

bool audit_state_is_valid(int64_t number)
{
    return number >= AUDIT_ASKED && number <= AUDIT_UNOPENED;
}

const char *audit_state_name(enum audit_state state)
{
    switch (state) {
    case AUDIT_ASKED:
        return "asked";
    case AUDIT_SENT:
        return "sent";
    case AUDIT_COMMITTED:
        return "committed";
    case AUDIT_GOOD:
        return "good";
    case AUDIT_BAD:
        return "bad";
    case AUDIT_UNANSWERED:
        return "unanswered";
    case AUDIT_UNOPENED:
        break;
    }
    return "unopened";
}

const char *audit_suspicion_name(enum audit_suspicion suspicion)
{
    switch (suspicion) {
    case AUDIT_TOO_FAST:
        return "too_fast";
    case AUDIT_OTHER_MODEL:
        return "other_model";
    case AUDIT_SHARED:
        return "shared";
    case AUDIT_SLOW_DISK:
        return "slow_disk";
    case AUDIT_SLOW_NETWORK:
        return "slow_network";
    case AUDIT_SILENT_COMPUTE:
        return "silent_compute";
    case AUDIT_SILENT_MEMORY:
        return "silent_memory";
    case AUDIT_SILENT_DISK:
        return "silent_disk";
    case AUDIT_SILENT_NETWORK:
        return "silent_network";
    case AUDIT_UNLIKE:
        return "unlike_its_model";
    case AUDIT_ELSEWHERE:
    case AUDIT_SUSPICIONS:
        break;
    }
    return "elsewhere";
}
