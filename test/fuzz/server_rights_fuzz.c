/* SPDX-License-Identifier: Apache-2.0 */
/* Any permission file, with any key_params and any body of a call. What is kept of a file names no
 * placeholder and reads back as itself; it grants no call that the whole category would not, and
 * none whose number is outside of a bound that it has. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "server/rights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct route table[] = {
    { .name = "api.log",
      .pattern = "/api/v0/log/{id}/",
      .param_count = 1,
      .params = { PARAM_ID },
      .scope = SCOPE_INSTANCE_READ },
    { .name = "api.list", .pattern = "/api/v0/list/", .scope = SCOPE_INSTANCE_READ },
    { .name = "api.key", .pattern = "/api/v0/key/", .scope = SCOPE_USER_WRITE },
};

static const json_t *bounds_of(const json_t *rights, const struct route *route, const char *param)
{
    const json_t *routes =
        json_object_get(json_object_get(rights, "api"), scope_name(route->scope));

    return json_object_get(json_object_get(json_object_get(routes, route->name), "constraints"),
                           param);
}

/* A call that was granted keeps to the bounds on a number in its body. */
static void check_number(const json_t *rights, const struct route *route, const json_t *body)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)body, name, value)
    {
        const json_t *bounds = bounds_of(rights, route, name);
        const json_t *lte = json_object_get(bounds, "lte"), *gte = json_object_get(bounds, "gte");

        if (!json_is_number(value))
            continue;
        assert(!json_is_number(lte) || json_number_value(value) <= json_number_value(lte));
        assert(!json_is_number(gte) || json_number_value(value) >= json_number_value(gte));
    }
}

static void check_calls(const json_t *rights, const json_t *body)
{
    const struct http_pair query[] = { { "page", "2" } };
    const struct http_request request = { .query = query, .query_count = 1 };
    struct error err;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct call call = { .route = &table[i],
                                   .request = &request,
                                   .params = { { .id = 7001, .text = "7001" } },
                                   .body = json_is_object(body) ? body : NULL };
        const json_t *api = json_object_get(rights, "api");

        if (!rights_allow(rights, &call, &err)) {
            assert(err.code == ERROR_FORBIDDEN && *err.text != '\0');
            continue;
        }
        assert(json_is_object(json_object_get(api, scope_name(table[i].scope))));
        check_number(rights, &table[i], call.body);
    }
}

static void check_file(const json_t *file, const json_t *params, const json_t *body)
{
    const size_t count = sizeof table / sizeof *table;
    auto_json json_t *rights = NULL, *again = NULL;
    struct error err;

    if (!rights_read(file, params, table, count, &rights, &err)) {
        assert(err.code == ERROR_INVALID && *err.text != '\0' && rights == NULL);
        return;
    }
    bool is_ok = rights_read(rights, NULL, table, count, &again, &err);
    assert(is_ok && json_equal(rights, again));
    check_calls(rights, body);
}

/* A list is of a file, key_params and a body; anything else is a file alone. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    auto_json json_t *root = NULL;
    struct error err;

    if (!json_parse((const char *)bytes, size, &root, &err))
        return 0;
    if (json_is_array(root))
        check_file(json_array_get(root, 0), json_array_get(root, 1), json_array_get(root, 2));
    else
        check_file(root, NULL, NULL);
    return 0;
}
