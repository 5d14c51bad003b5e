/* SPDX-License-Identifier: Apache-2.0 */
#include "server/terms.h"

#include <string.h>

#include "flow/sign_up.h"

enum { URL_LENGTH_MAX = 256 };

static bool is_word(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

/* Shown on pages: a version is a word, and its page is one that a browser opens. */
bool terms_read(const struct options *options, struct flow *flow, struct error *err)
{
    const char *version = options_get(options, "terms"), *url = options_get(options, "terms-url");

    if ((version != NULL) != (url != NULL))
        return error_set(err, ERROR_INVALID, "--terms and --terms-url go together");
    if (version == NULL)
        return true;
    if (version[0] == '\0' || strlen(version) > TERMS_LENGTH_MAX || !is_word(version))
        return error_set(err, ERROR_INVALID, "--terms is a word of up to %d characters",
                         TERMS_LENGTH_MAX);
    if (strncmp(url, "https://", 8) != 0 || strlen(url) > URL_LENGTH_MAX || !is_word(url))
        return error_set(err, ERROR_INVALID,
                         "--terms-url begins with https:// and has up to %d characters",
                         URL_LENGTH_MAX);
    flow->terms = version;
    flow->terms_url = url;
    return true;
}
