/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are, by the image's /etc/passwd, if it has one. */

#ifndef BERTH_GUEST_USER_H
#define BERTH_GUEST_USER_H

#include <stdbool.h>
#include <sys/types.h>

enum { USER_FIELD_MAX = 256 };

struct user {
    char name[USER_FIELD_MAX];
    char home[USER_FIELD_MAX];
    char shell[USER_FIELD_MAX];
};

/* Read the first line for `uid` of the file `passwd`. False, leaving `*ret_user` alone, where
 * there is none, or one with a field that is missing or too long. */
bool user_read(const char *passwd, uid_t uid, struct user *ret_user);

/* The user we run as: by the file, else root of "/root" (or the number, of "/"). */
struct user user_self(void);

#endif
