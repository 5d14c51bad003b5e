/* SPDX-License-Identifier: Apache-2.0 */
#include "server/whereabouts.h"

#include <string.h>

#include "store/move.h"
#include "store/store.h"

bool whereabouts_of(const struct options *options, const char **ret_location, struct error *err)
{
    const char *data = options_get(options, "data"), *store = options_get(options, "store");
    bool is_sqlite = store == NULL || strcmp(store, "sqlite") == 0;

    if (!is_sqlite && !store_is_url(store))
        return error_set(err, ERROR_INVALID, "--store takes sqlite, or postgres://..., not '%.64s'",
                         store);
    if (is_sqlite && data == NULL)
        return error_set(err, ERROR_INVALID, "--data DIR or --store URL is needed");
    if (is_sqlite && move_has_left(data))
        return error_set(err, ERROR_CONFLICT,
                         "the books in %.256s were moved to PostgreSQL: say --store postgres://...",
                         data);
    *ret_location = is_sqlite ? data : store;
    return true;
}

bool whereabouts_find(const struct options *options, const char **ret_location, struct error *err)
{
    const char *location;

    if (!whereabouts_of(options, &location, err) || !store_find(location, err))
        return false;
    *ret_location = location;
    return true;
}
