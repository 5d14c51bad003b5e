/* SPDX-License-Identifier: Apache-2.0 */
#include "market/gpu.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct gpu_model models[] = {
#include "market/gpu_models.inc"
};

/* Names of the market for which nobody has written down facts: clients take no other name than one
 * that they were told of. */
static const char *const bare_names[] = {
    "A10g",          "A100 SXM",      "A800 PCIE",      "GH200 SXM",    "Tesla K80",
    "Tesla M40",     "Tesla P4",      "GTX 1050",       "GTX 1650 S",   "RTX 2080",
    "Titan X",       "Quadro P2000",  "Quadro P5000",   "Quadro P6000", "Quadro GP100",
    "Quadro GV100",  "RTX 2000Ada",   "RTX 4500Ada",    "RTX PRO 6000", "RTX PRO 6000 Max-Q",
    "CMP 50HX",      "CMP 170HX",     "P104-100",       "P106-100",     "InstinctMI50",
    "InstinctMI100", "InstinctMI210", "InstinctMI250X", "PRO W6800",    "PRO W7800",
    "PRO W7900",     "Radeon VII",    "RX 6800",        "RX 6800 XT",   "RX 6900 XT",
    "RX 7600",       "RX 7700 XT",    "RX 7800 XT",     "RX 7900 GRE",  "RX 7900 XT",
    "RX 7900 XTX",
};

enum {
    MODEL_COUNT = sizeof models / sizeof models[0],
    BARE_COUNT = sizeof bare_names / sizeof bare_names[0],
    WORDS_MAX = 16,
    DRIVER_NAME_SIZE = 128,
};

const struct gpu_model *gpu_models(size_t *ret_count)
{
    *ret_count = MODEL_COUNT;
    return models;
}

const char *const *gpu_bare_names(size_t *ret_count)
{
    *ret_count = BARE_COUNT;
    return bare_names;
}

const struct gpu_model *gpu_model(const char *name)
{
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        if (gpu_name_matches(models[i].name, name))
            return &models[i];
    }
    return NULL;
}

static char folded(char c)
{
    if (c == '_' || c == '-')
        return ' ';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool gpu_name_matches(const char *a, const char *b)
{
    while (*a != '\0' && folded(*a) == folded(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

char *gpu_name_fold(const char *name, char *folded_name, size_t size)
{
    size_t length = 0;

    assert(size > 0);
    for (; name[length] != '\0' && length < size - 1; length++)
        folded_name[length] = folded(name[length]);
    folded_name[length] = '\0';
    return folded_name;
}

/* Words that say who made it, how large its memory is, or nothing. */
static bool is_left_out(const char *word)
{
    static const char *const words[] = {
        "NVIDIA", "GeForce", "AMD", "Generation", "Blackwell", "Edition", "GPU", "(Pascal)",
    };
    size_t digits = strspn(word, "0123456789");

    if (digits > 0 && strcmp(word + digits, "GB") == 0)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

/* Replace `old` by `new` (never longer) wherever it ends at the end of a word. */
static void rewrite(char *name, const char *old, const char *new)
{
    size_t old_length = strlen(old), new_length = strlen(new);

    assert(new_length <= old_length);
    for (char *at = strstr(name, old); at != NULL; at = strstr(at + 1, old)) {
        char *rest = at + old_length;

        if (*rest != ' ' && *rest != '\0')
            continue;
        memcpy(at, new, new_length);
        memmove(at + new_length, rest, strlen(rest) + 1);
    }
}

/* Printable words in `text`, with '-' as a blank but in the names that have one. */
static void spell(const char *driver_name, char text[static DRIVER_NAME_SIZE])
{
    size_t length = 0;

    for (; *driver_name != '\0' && length < DRIVER_NAME_SIZE - 1; driver_name++) {
        if (*driver_name > ' ' && *driver_name <= '~')
            text[length++] = *driver_name;
        else
            text[length++] = ' ';
    }
    text[length] = '\0';
    if (strstr(text, "Max-Q") != NULL || strstr(text, "P104-100") != NULL ||
        strstr(text, "P106-100") != NULL)
        return;
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '-' ? ' ' : *c;
}

char *gpu_name(const char *driver_name, char name[static GPU_NAME_SIZE])
{
    /* In this order: a later rule sees what an earlier one left. */
    static const char *const rules[][2] = {
        { " Laptop", " laptop" },
        { " Max-Q Workstation", " Max-Q" },
        { " Workstation", " WS" },
        { " Server", " S" },
        { " Ti SUPER", "S Ti" },
        { "GTX 1650 SUPER", "GTX 1650 S" },
        { "GTX 1660 SUPER", "GTX 1660 S" },
        { " SUPER", "S" },
        { "4090 D", "4090D" },
        { " Ada", "Ada" },
        { "PCIe", "PCIE" },
        { "H100 HBM3", "H100 SXM" },
        { "H100 SXM5", "H100 SXM" },
        { "V100 SXM2", "V100" },
        { "V100 SXM3", "V100" },
        { "V100 PCIE", "V100" },
        { "P100 SXM2", "P100" },
        { "P100 PCIE", "P100" },
        { "Quadro RTX", "Q RTX" },
        { "GTX TITAN", "GTX\tTITAN" },
        { "TITAN", "Titan" },
        { "GTX\tTitan", "GTX TITAN" },
        { "A10G", "A10g" },
    };
    char text[DRIVER_NAME_SIZE], kept[DRIVER_NAME_SIZE] = "";
    size_t length = 0;

    spell(driver_name, text);
    for (char *word = text + strspn(text, " "); *word != '\0';) {
        size_t word_length = strcspn(word, " ");
        char *next = word + word_length + strspn(word + word_length, " ");

        word[word_length] = '\0';
        /* What is kept is never longer than what was spelt. */
        if (!is_left_out(word))
            length += (size_t)snprintf(kept + length, sizeof kept - length, "%s%s",
                                       length > 0 ? " " : "", word);
        word = next;
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        rewrite(kept, rules[i][0], rules[i][1]);
    if (strcmp(kept, "GH200") == 0)
        (void)snprintf(kept, sizeof kept, "GH200 SXM");
    if (strcmp(kept, "T4") == 0 || strcmp(kept, "V100") == 0 || strcmp(kept, "P100") == 0)
        (void)snprintf(name, GPU_NAME_SIZE, "Tesla %.8s", kept);
    else
        (void)snprintf(name, GPU_NAME_SIZE, "%.*s", GPU_NAME_SIZE - 1,
                       *kept != '\0' ? kept : "unknown GPU");
    return name;
}

/* "GTX 980", "GT 710", "Tesla K80", "Quadro M4000": numbers of three digits, and the letters of the
 * generations before. */
static bool has_old_name(const char *name)
{
    static const char *const words[] = { "GTX TITAN", "Tesla K", "Tesla M", "Quadro K",
                                         "Quadro M" };
    const char *number = strncmp(name, "GTX ", 4) == 0  ? name + 4
                         : strncmp(name, "GT ", 3) == 0 ? name + 3
                                                        : "";

    if (strspn(number, "0123456789") == 3)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(name, words[i], strlen(words[i])) == 0)
            return true;
    }
    return false;
}

bool gpu_is_too_old(const char *name, int64_t compute_cap)
{
    const struct gpu_model *model = compute_cap > 0 ? NULL : gpu_model(name);

    if (model != NULL)
        compute_cap = model->compute_cap;
    return compute_cap > 0 ? compute_cap < GPU_COMPUTE_CAP_MIN : has_old_name(name);
}
