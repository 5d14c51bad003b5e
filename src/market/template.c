/* SPDX-License-Identifier: Apache-2.0 */
#include "market/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "market/image.h"
#include "market/launch.h"
#include "market/volume.h"

enum field_kind { FIELD_TEXT, FIELD_FLAG, FIELD_DISK, FIELD_FILTERS, FIELD_VOLUME };

/* One row a member. A text without a default is null until it is given; without a volume there is
 * no such member, as in templates from before there was one, so that their hashes stay theirs. */
static const struct field {
    const char *name;
    enum field_kind kind;
    size_t length_max;
    const char *text; /* default of a text */
    bool flag;        /* default of a flag */
} fields[] = {
    { "name", FIELD_TEXT, TEMPLATE_NAME_MAX, NULL, false },
    { "image", FIELD_TEXT, IMAGE_TEXT_SIZE - 1, NULL, false },
    { "tag", FIELD_TEXT, TEMPLATE_LINE_MAX, NULL, false },
    { "href", FIELD_TEXT, TEMPLATE_LINE_MAX, NULL, false },
    { "repo", FIELD_TEXT, TEMPLATE_LINE_MAX, NULL, false },
    { "env", FIELD_TEXT, TEMPLATE_TEXT_MAX, "", false },
    { "onstart", FIELD_TEXT, TEMPLATE_TEXT_MAX, NULL, false },
    { "args_str", FIELD_TEXT, TEMPLATE_TEXT_MAX, NULL, false },
    { "runtype", FIELD_TEXT, TEMPLATE_LINE_MAX, "ssh", false },
    { "jupyter_dir", FIELD_TEXT, TEMPLATE_LINE_MAX, NULL, false },
    { "docker_login_repo", FIELD_TEXT, TEMPLATE_LINE_MAX, "", false },
    { "desc", FIELD_TEXT, TEMPLATE_LINE_MAX, "", false },
    { "readme", FIELD_TEXT, TEMPLATE_TEXT_MAX, "", false },
    { "jup_direct", FIELD_FLAG, 0, NULL, false },
    { "ssh_direct", FIELD_FLAG, 0, NULL, false },
    { "use_ssh", FIELD_FLAG, 0, NULL, true },
    { "use_jupyter_lab", FIELD_FLAG, 0, NULL, false },
    { "readme_visible", FIELD_FLAG, 0, NULL, true },
    { "private", FIELD_FLAG, 0, NULL, true },
    { "recommended_disk_space", FIELD_DISK, 0, NULL, false },
    { "extra_filters", FIELD_FILTERS, TEMPLATE_TEXT_MAX, "{}", false },
    { "volume_info", FIELD_VOLUME, TEMPLATE_NAME_MAX, NULL, false },
};

enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

/* A number of GB, or its text (api.md 2.13); the same in the form as a number. */
static bool read_disk(const json_t *body, const char *name, json_t **ret, struct error *err)
{
    const json_t *value = json_member(body, name);
    auto_json json_t *parsed = NULL;

    if (json_is_string(value)) {
        if (!json_parse(json_string_value(value), json_string_length(value), &parsed, err))
            return error_set(err, ERROR_INVALID, "'%s' must be a number of GB", name);
        value = parsed;
    }
    if (!json_is_number(value))
        return error_set(err, ERROR_INVALID, "'%s' must be a number of GB", name);
    if (!(json_number_value(value) >= 1 && json_number_value(value) <= TEMPLATE_DISK_GB_MAX))
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' must be 1 to %d GB", name,
                         TEMPLATE_DISK_GB_MAX);
    *ret = json_deep_copy(value);
    return true;
}

/* An object of conditions, or its text; kept as text, as clients read it back. */
static bool read_filters(const json_t *body, const struct field *field, json_t **ret,
                         struct error *err)
{
    const json_t *value = json_member(body, field->name);
    auto_json json_t *parsed = NULL;

    if (json_is_string(value)) {
        if (!json_parse(json_string_value(value), json_string_length(value), &parsed, err))
            return error_context(err, "%s", field->name);
        value = parsed;
    }
    if (!json_is_object(value))
        return error_set(err, ERROR_INVALID, "'%s' must be an object of conditions", field->name);
    auto_free char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL || strlen(text) > field->length_max)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' is too long", field->name);
    *ret = json_string(text);
    return true;
}

/* A new volume beside the disk: how large, and where. NULL: none. */
static bool read_volume(const json_t *body, const struct field *field, json_t **ret,
                        struct error *err)
{
    static const struct json_bounds sizes = { 1, VOLUME_GB_MAX };
    const json_t *info = json_member(body, field->name);
    const char *path = NULL, *name = "";
    int64_t size_gb = VOLUME_GB_DEFAULT;
    bool is_new = true;

    *ret = NULL;
    if (json_is_false(info) || (json_is_object(info) && json_object_size(info) == 0))
        return true;
    if (!json_is_object(info))
        return error_set(err, ERROR_INVALID, "'%s' must be an object", field->name);
    if (!json_opt_bool(info, "create_new", &is_new, err) ||
        !json_opt_int(info, "size", sizes, &size_gb, err) ||
        !json_need_text(info, "mount_path", VOLUME_PATH_MAX, &path, err) ||
        !json_opt_text(info, "name", field->length_max, &name, err))
        return error_context(err, "%s", field->name);
    if (!is_new || json_member(info, "volume_id") != NULL)
        return error_set(err, ERROR_INVALID,
                         "%s: one that is there is on one machine, and a template runs on any: it "
                         "can have a new one, with create_new, size and mount_path",
                         field->name);
    if (!volume_path_is_good(path))
        return error_set(err, ERROR_INVALID, "%s: nothing is mounted at '%.64s'", field->name,
                         path);
    *ret = json_pack("{sbsIssss}", "create_new", 1, "size", (json_int_t)size_gb, "mount_path", path,
                     "name", name);
    return *ret != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for a template");
}

static bool read_text(const json_t *body, const struct field *field, json_t **ret,
                      struct error *err)
{
    const char *text = NULL;

    if (!json_opt_text(body, field->name, field->length_max, &text, err))
        return false;
    *ret = json_string(text);
    return true;
}

static bool read_flag(const json_t *body, const struct field *field, json_t **ret,
                      struct error *err)
{
    bool flag = false;

    if (!json_opt_bool(body, field->name, &flag, err))
        return false;
    *ret = json_boolean(flag);
    return true;
}

/* What nobody gave. */
static json_t *default_of(const struct field *field)
{
    switch (field->kind) {
    case FIELD_FLAG:
        return json_boolean(field->flag);
    case FIELD_DISK:
        return json_null();
    case FIELD_VOLUME:
        return NULL;
    case FIELD_TEXT:
    case FIELD_FILTERS:
        break;
    }
    return text_or_null(field->text);
}

static bool read_field(const json_t *body, const json_t *present, const struct field *field,
                       json_t **ret, struct error *err)
{
    if (json_member(body, field->name) == NULL) {
        const json_t *kept = json_object_get(present, field->name);

        *ret = kept != NULL ? json_deep_copy(kept) : default_of(field);
        return true;
    }
    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(body, field, ret, err);
    case FIELD_FLAG:
        return read_flag(body, field, ret, err);
    case FIELD_DISK:
        return read_disk(body, field->name, ret, err);
    case FIELD_VOLUME:
        return read_volume(body, field, ret, err);
    case FIELD_FILTERS:
        break;
    }
    return read_filters(body, field, ret, err);
}

static const char *text_of(const json_t *form, const char *name)
{
    const char *text = json_string_value(json_object_get(form, name));

    return text != NULL ? text : "";
}

/* Whether `image` names a tag or a digest itself. */
static bool is_pinned(const struct image *image)
{
    return image->tag[0] != '\0' || image->digest[0] != '\0';
}

static bool full_image(const json_t *form, struct arena *arena, const char **ret, struct error *err)
{
    const char *image = text_of(form, "image"), *tag = text_of(form, "tag");
    struct image parsed;

    if (!image_parse(image, &parsed, err))
        return error_context(err, "image");
    *ret = image;
    if (tag[0] == '\0' || is_pinned(&parsed))
        return true;
    *ret = arena_printf(arena, "%s:%s", image, tag);
    if (*ret == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "image and tag are too long");
    return image_parse(*ret, &parsed, err) || error_context(err, "tag");
}

/* What is wrong with it is said when it is written, not when somebody rents with it. */
static bool check_form(const json_t *form, struct error *err)
{
    auto_arena struct arena arena = arena_of(4 * TEMPLATE_TEXT_MAX);
    const char *runtype = text_of(form, "runtype"), *image;
    const json_t *args = json_object_get(form, "args_str");
    struct launch_args parsed;
    struct launch_env env;
    struct launch_mode mode;

    if (text_of(form, "name")[0] == '\0')
        return error_set(err, ERROR_INVALID, "a template needs a name");
    if (text_of(form, "image")[0] == '\0')
        return error_set(err, ERROR_INVALID, "a template needs an image");
    if (strcmp(runtype, "ssh") != 0 && strcmp(runtype, "jupyter") != 0 &&
        strcmp(runtype, "args") != 0)
        return error_set(err, ERROR_INVALID, "runtype must be ssh, jupyter or args");
    if (json_is_string(args) && !launch_args_parse(args, &arena, &parsed, err))
        return false;
    return full_image(form, &arena, &image, err) && launch_mode_parse(runtype, false, &mode, err) &&
           launch_env_parse(json_object_get(form, "env"), &arena, &env, err);
}

bool template_read(const json_t *body, const json_t *present, json_t **ret, struct error *err)
{
    auto_json json_t *form = json_object();

    if (!json_is_object(body))
        return error_set(err, ERROR_INVALID, "a template is an object");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        json_t *value = NULL;

        if (!read_field(body, present, &fields[i], &value, err))
            return false;
        if (value == NULL && fields[i].kind == FIELD_VOLUME)
            continue;
        if (json_object_set_new(form, fields[i].name, value) != 0)
            return error_set(err, ERROR_INVALID, "%s is no text", fields[i].name);
    }
    if (!check_form(form, err))
        return false;
    *ret = json_incref(form);
    return true;
}

char *template_text(const json_t *form)
{
    return json_dumps(form, JSON_COMPACT | JSON_SORT_KEYS);
}

static bool is_on(const json_t *form, const char *name)
{
    return json_is_true(json_object_get(form, name));
}

/* The tokens that clients send for the same choice (api.md 2.4.2). */
static const char *runtype_of(const json_t *form)
{
    const char *runtype = text_of(form, "runtype");

    if (strcmp(runtype, "args") == 0)
        return "args";
    if (strcmp(runtype, "jupyter") == 0)
        return is_on(form, "jup_direct") ? "jupyter_direc ssh_direc ssh_proxy"
                                         : "jupyter_proxy ssh_proxy";
    return is_on(form, "ssh_direct") ? "ssh_direc ssh_proxy" : "ssh_proxy";
}

/* The pairs of an env, either form, behind those in `pairs`: of two with a name the later counts.
 */
static bool add_pairs(const json_t *value, json_t *pairs, struct error *err)
{
    auto_arena struct arena arena = arena_of(4 * LAUNCH_TEXT_MAX);
    auto_buf struct buf text = buf_of(8 * LAUNCH_TEXT_MAX);
    auto_json json_t *parsed = NULL;
    struct launch_env env;

    if (!launch_env_parse(value, &arena, &env, err))
        return false;
    launch_env_encode(&text, &env);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "env is too large");
    if (!json_parse(text.bytes, text.length, &parsed, err))
        return error_context(err, "env");
    return json_array_extend(pairs, parsed) == 0 ||
           error_set(err, ERROR_OUT_OF_RANGE, "env is too large");
}

static bool fill_env(json_t *filled, const json_t *form, struct error *err)
{
    json_t *pairs = json_array();
    bool is_good = add_pairs(json_object_get(form, "env"), pairs, err) &&
                   add_pairs(json_member(filled, "env"), pairs, err);

    if (!is_good) {
        json_decref(pairs);
        return false;
    }
    return json_object_set_new(filled, "env", pairs) == 0 ||
           error_set(err, ERROR_OUT_OF_RANGE, "env is too large");
}

/* Set where the request leaves it open and the template does not. */
static void fill(json_t *filled, const char *name, json_t *value)
{
    const json_t *present = json_member(filled, name);
    bool is_open = present == NULL || (json_is_string(present) && json_string_length(present) == 0);

    if (!is_open || json_is_null(value) ||
        (json_is_string(value) && json_string_length(value) == 0))
        json_decref(value);
    else
        (void)json_object_set_new(filled, name, value);
}

static void fill_same(json_t *filled, const json_t *form, const char *name)
{
    json_t *value = json_object_get(form, name);

    if (value != NULL)
        fill(filled, name, json_deep_copy(value));
}

/* Who asks for a new volume and does not say how large, or where, gets the template's. It is not
 * made unasked: it outlives the instance, and costs something until it is deleted. */
static void fill_volume(json_t *filled, const json_t *form)
{
    json_t *info = json_object_get(filled, "volume_info");
    const json_t *own = json_object_get(form, "volume_info");

    if (own == NULL || !json_is_true(json_object_get(info, "create_new")))
        return;
    fill_same(info, own, "size");
    fill_same(info, own, "mount_path");
    fill_same(info, own, "name");
}

bool template_fill(const json_t *request, const json_t *form, const char *login, json_t **ret,
                   struct error *err)
{
    auto_arena struct arena arena = arena_of(4 * IMAGE_TEXT_SIZE);
    auto_json json_t *filled = json_deep_copy(request);
    const char *image;

    if (!json_is_object(filled))
        return error_set(err, ERROR_INVALID, "a rental's body is an object");
    if (!full_image(form, &arena, &image, err) || !fill_env(filled, form, err))
        return error_context(err, "template");
    bool has_args = json_member(filled, "args") != NULL || json_member(filled, "args_str") != NULL;
    fill(filled, "image", json_string(image));
    fill(filled, "runtype", json_string(has_args ? "args" : runtype_of(form)));
    fill(filled, "disk", json_deep_copy(json_object_get(form, "recommended_disk_space")));
    fill(filled, "image_login", text_or_null(login));
    fill_same(filled, form, "onstart");
    fill_same(filled, form, "jupyter_dir");
    fill_volume(filled, form);
    if (!has_args)
        fill_same(filled, form, "args_str");
    /* Clients send false where nobody chose: the template's choice counts. */
    if (is_on(form, "use_jupyter_lab"))
        (void)json_object_set_new(filled, "use_jupyter_lab", json_true());
    *ret = json_incref(filled);
    return true;
}
