/* SPDX-License-Identifier: Apache-2.0 */
#include "market/image.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LOWER    "abcdefghijklmnopqrstuvwxyz"
#define UPPER    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS   "0123456789"
#define HEX      "0123456789abcdef"
#define TAG_HEAD LOWER UPPER DIGITS "_"
#define TAG_TAIL TAG_HEAD ".-"

/* A part of the text, not ended by a NUL. */
struct slice {
    const char *text;
    size_t length;
};

static bool contains_only(struct slice slice, const char *accepted)
{
    for (size_t i = 0; i < slice.length; i++) {
        if (slice.text[i] == '\0' || strchr(accepted, slice.text[i]) == NULL)
            return false;
    }
    return true;
}

static bool is_one_of(char c, const char *accepted)
{
    return c != '\0' && strchr(accepted, c) != NULL;
}

static const char *find(struct slice slice, char c)
{
    return slice.length > 0 ? memchr(slice.text, c, slice.length) : NULL;
}

static const char *find_last(struct slice slice, char c)
{
    return slice.length > 0 ? memrchr(slice.text, c, slice.length) : NULL;
}

/* The rest from `at` on, which is in `slice`; `slice` ends before it. */
static struct slice split(struct slice *slice, const char *at)
{
    size_t length = (size_t)(at - slice->text);
    struct slice rest = { at + 1, slice->length - length - 1 };

    slice->length = length;
    return rest;
}

static bool keep(struct slice slice, char *text, size_t size)
{
    if (slice.length >= size)
        return false;
    memcpy(text, slice.text, slice.length);
    text[slice.length] = '\0';
    return true;
}

/* Letters, digits and hyphens, neither first nor last a hyphen. */
static bool is_label(struct slice label)
{
    return label.length > 0 && contains_only(label, LOWER UPPER DIGITS "-") &&
           label.text[0] != '-' && label.text[label.length - 1] != '-';
}

static bool is_port(struct slice port)
{
    unsigned value = 0;

    if (port.length == 0 || port.length > 5 || !contains_only(port, DIGITS))
        return false;
    for (size_t i = 0; i < port.length; i++)
        value = value * 10 + (unsigned)(port.text[i] - '0');
    return value >= 1 && value <= 65535;
}

static bool is_host(struct slice host)
{
    const char *colon = find(host, ':');

    if (colon != NULL && !is_port(split(&host, colon)))
        return false;
    for (const char *dot = find(host, '.'); dot != NULL; dot = find(host, '.')) {
        struct slice rest = split(&host, dot);

        if (!is_label(host))
            return false;
        host = rest;
    }
    return is_label(host);
}

/* Lower-case letters and digits, with one '.', one or two '_' or any number of '-' between. */
static bool is_path_part(struct slice part)
{
    size_t run = 0;

    if (part.length == 0 || !contains_only(part, LOWER DIGITS "._-"))
        return false;
    for (size_t i = 0; i < part.length; i++) {
        char c = part.text[i];

        if (is_one_of(c, LOWER DIGITS)) {
            run = 0;
            continue;
        }
        if (i == 0 || i + 1 == part.length)
            return false;
        if (run > 0 && (c != part.text[i - 1] || c == '.' || (c == '_' && run >= 2)))
            return false;
        run++;
    }
    return true;
}

static bool is_path(struct slice path)
{
    for (const char *slash = find(path, '/'); slash != NULL; slash = find(path, '/')) {
        struct slice rest = split(&path, slash);

        if (!is_path_part(path))
            return false;
        path = rest;
    }
    return is_path_part(path);
}

static bool is_tag(struct slice tag)
{
    return tag.length > 0 && is_one_of(tag.text[0], TAG_HEAD) && contains_only(tag, TAG_TAIL);
}

static bool is_digest(struct slice digest)
{
    static const struct {
        const char *name;
        size_t digits;
    } kinds[] = { { "sha256:", 64 }, { "sha512:", 128 } };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].name);

        if (digest.length == length + kinds[i].digits &&
            memcmp(digest.text, kinds[i].name, length) == 0)
            return contains_only((struct slice){ digest.text + length, kinds[i].digits }, HEX);
    }
    return false;
}

/* What is before the first '/' is a registry if it looks like an address, as engines have it. */
static bool begins_with_host(struct slice rest, const char *slash)
{
    struct slice first = { rest.text, (size_t)(slash - rest.text) };

    return find(first, '.') != NULL || find(first, ':') != NULL ||
           (first.length == 9 && memcmp(first.text, "localhost", 9) == 0);
}

bool image_parse(const char *text, struct image *ret, struct error *err)
{
    struct slice rest = { text, strnlen(text, IMAGE_TEXT_SIZE) };
    struct image image = { 0 };

    if (rest.length == 0)
        return error_set(err, ERROR_INVALID, "an image is needed");
    if (rest.length >= IMAGE_TEXT_SIZE)
        return error_set(err, ERROR_OUT_OF_RANGE, "an image reference has at most %d characters",
                         IMAGE_TEXT_SIZE - 1);

    const char *at = find(rest, '@');
    if (at != NULL) {
        struct slice digest = split(&rest, at);

        if (!is_digest(digest) || !keep(digest, image.digest, sizeof image.digest))
            return error_set(err, ERROR_INVALID, "the image's digest is not sha256: and 64 digits");
    }

    const char *colon = find_last(rest, ':'), *last_slash = find_last(rest, '/');
    if (colon != NULL && (last_slash == NULL || colon > last_slash)) {
        struct slice tag = split(&rest, colon);

        if (!is_tag(tag) || !keep(tag, image.tag, sizeof image.tag))
            return error_set(err, ERROR_INVALID, "the image's tag is malformed");
    }

    const char *slash = find(rest, '/');
    if (slash != NULL && begins_with_host(rest, slash)) {
        struct slice host = rest;

        rest = split(&host, slash);
        if (!is_host(host) || !keep(host, image.host, sizeof image.host))
            return error_set(err, ERROR_INVALID, "the image's registry is malformed");
    }
    if (!is_path(rest) || !keep(rest, image.path, sizeof image.path))
        return error_set(err, ERROR_INVALID,
                         "the image's name is not lower-case letters, digits and single . _ - /");
    *ret = image;
    return true;
}

char *image_format(const struct image *image, char text[static IMAGE_TEXT_SIZE])
{
    const char *tag = image->tag;

    if (*tag == '\0' && *image->digest == '\0')
        tag = "latest";
    int length = snprintf(text, IMAGE_TEXT_SIZE, "%s%s%s%s%s%s%s", image->host,
                          *image->host != '\0' ? "/" : "", image->path, *tag != '\0' ? ":" : "",
                          tag, *image->digest != '\0' ? "@" : "", image->digest);

    assert(length > 0);
    return text;
}

char *image_name(const struct image *image, char text[static IMAGE_TEXT_SIZE])
{
    static const char official[] = "library/";
    struct image whole = *image;
    bool is_default = strcmp(whole.host, "docker.io") == 0 || *whole.host == '\0';

    if (is_default)
        *whole.host = '\0';
    if (is_default && strncmp(whole.path, official, sizeof official - 1) == 0 &&
        strchr(whole.path + sizeof official - 1, '/') == NULL)
        memmove(whole.path, whole.path + sizeof official - 1,
                strlen(whole.path + sizeof official - 1) + 1);
    return image_format(&whole, text);
}
