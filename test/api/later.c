/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded before a program that a test starts (LD_PRELOAD): its wall clock is ahead by so many
 * seconds as BERTH_LATER_S says. Clocks that only measure go as they go. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t later_s(void)
{
    const char *text = getenv("BERTH_LATER_S");

    return text != NULL ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
    long result = syscall(SYS_clock_gettime, id, ret);

    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ret->tv_sec += later_s();
    return (int)result;
}

time_t time(time_t *ret)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}
