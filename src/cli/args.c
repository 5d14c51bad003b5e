/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <assert.h>
#include <string.h>

#include "cli/distance.h"

const struct args_option args_global_options[] = {
    { "url", 0, "URL", "the market's address; else BERTH_URL or what `berth login` stored" },
    { "api-key", 0, "KEY", "who you are; else BERTH_API_KEY or what `berth login` stored" },
    { "raw", 0, NULL, "JSON for programs" },
    { "help", 'h', NULL, "how to use this command" },
    { NULL, 0, NULL, NULL },
};

bool args_takes_rest(const struct args_option *option)
{
    size_t length = option->value_name == NULL ? 0 : strlen(option->value_name);

    return length > 3 && strcmp(option->value_name + length - 3, "...") == 0;
}

/* Whether `word` is `name`, or that and "=VALUE", with '_' as good as '-'. */
static bool is_name(const char *word, const char *name)
{
    size_t i = 0;

    for (; name[i] != '\0'; i++) {
        if (word[i] != name[i] && !(word[i] == '_' && name[i] == '-'))
            return false;
    }
    return word[i] == '\0' || word[i] == '=';
}

/* Whether a whole name follows the dashes: two of them, or one before a name of two letters. */
static bool is_whole_name(const struct args_option *option, const char *word)
{
    return word[1] == '-' || (strlen(option->name) == 2 && is_name(word + 1, option->name));
}

/* The row that `word` names, which begins with a dash, or -1. */
static int find_row(const struct args_option *options, const char *word)
{
    for (int i = 0; options[i].name != NULL; i++) {
        assert(i < ARGS_OPTIONS_MAX);
        if (word[1] != '-' && is_whole_name(&options[i], word))
            return i;
    }
    for (int i = 0; options[i].name != NULL; i++) {
        if (word[1] == '-' ? is_name(word + 2, options[i].name)
                           : options[i].letter != 0 && word[1] == options[i].letter &&
                                 (word[2] == '\0' || options[i].value_name != NULL))
            return i;
    }
    return -1;
}

/* The value inside the word itself, as in --limit=5 or -odph; NULL where there is none. */
static const char *attached_value(const struct args_option *option, const char *word)
{
    const char *equals = strchr(word, '=');

    if (is_whole_name(option, word))
        return equals == NULL ? NULL : equals + 1;
    return word[2] == '\0' ? NULL : word + 2;
}

static bool take_value(const struct args_option *option, const char *const **at, const char **ret,
                       struct error *err)
{
    const char *word = **at, *value = attached_value(option, word);

    if (option->value_name == NULL) {
        if (value != NULL)
            return error_set(err, ERROR_INVALID, "--%s takes no value", option->name);
        *ret = "";
        return true;
    }
    if (value == NULL) {
        (*at)++;
        value = **at;
    }
    if (value == NULL)
        return error_set(err, ERROR_INVALID, "%s wants a value: %s", word, option->value_name);
    *ret = value;
    return true;
}

/* The long name nearest to a word that is none, or NULL where none is near. */
static const char *nearest_name(const struct args_option *options, const char *word)
{
    const struct args_option *const lists[] = { options, args_global_options };
    size_t length = strcspn(word, "="), best = distance_most(length);
    const char *nearest = NULL;

    for (size_t list = 0; list < sizeof lists / sizeof lists[0]; list++) {
        for (size_t i = 0; lists[list][i].name != NULL; i++) {
            size_t apart = distance_between(word, length, lists[list][i].name, best);

            if (apart > best || (nearest != NULL && apart == best))
                continue;
            nearest = lists[list][i].name;
            best = apart;
        }
    }
    return nearest;
}

static bool unknown_option(const struct args *args, const char *word, struct error *err)
{
    const char *nearest = word[1] == '-' ? nearest_name(args->options, word + 2) : NULL;

    return nearest == NULL
               ? error_set(err, ERROR_INVALID, "there is no option '%.64s' here", word)
               : error_set(err, ERROR_INVALID,
                           "there is no option '%.64s' here; did you mean --%s?", word, nearest);
}

/* Take the option at `*at`, which is left at the last word that belongs to it. */
static bool take_option(struct args *args, const char *const **at, struct error *err)
{
    const char *word = **at;
    int row = find_row(args->options, word);
    int global_row = row >= 0 ? -1 : find_row(args_global_options, word);

    if (row < 0 && global_row < 0)
        return unknown_option(args, word, err);

    const struct args_option *option =
        row >= 0 ? &args->options[row] : &args_global_options[global_row];
    const char **value = row >= 0 ? &args->values[row] : &args->global_values[global_row];
    if (args_takes_rest(option)) {
        *value = "";
        args->rest = *at + 1;
        while ((*at)[1] != NULL)
            (*at)++;
        return true;
    }
    return take_value(option, at, value, err);
}

bool args_parse(const struct args_option *options, const char *const *argv, struct args *ret,
                struct error *err)
{
    struct args args = { .options = options };
    bool only_words = false;

    for (const char *const *at = argv; *at != NULL; at++) {
        /* A lone dash is a word, and so is a negative number. */
        bool is_word = only_words || (*at)[0] != '-' || (*at)[1] == '\0' ||
                       ((*at)[1] >= '0' && (*at)[1] <= '9');

        if (!only_words && strcmp(*at, "--") == 0) {
            only_words = true;
        } else if (!is_word) {
            if (!take_option(&args, &at, err))
                return false;
        } else if (args.word_count == ARGS_WORDS_MAX) {
            return error_set(err, ERROR_INVALID, "more than %d words", ARGS_WORDS_MAX);
        } else {
            args.words[args.word_count++] = *at;
        }
    }
    *ret = args;
    return true;
}

size_t args_count_leading_globals(const char *const *argv)
{
    size_t count = 0;

    while (argv[count] != NULL && argv[count][0] == '-') {
        int row = find_row(args_global_options, argv[count]);

        if (row < 0)
            break;
        bool wants_next = args_global_options[row].value_name != NULL &&
                          attached_value(&args_global_options[row], argv[count]) == NULL;
        count += wants_next && argv[count + 1] != NULL ? 2 : 1;
    }
    return count;
}

const char *args_get(const struct args *args, const char *name)
{
    for (int i = 0; args->options[i].name != NULL; i++) {
        if (strcmp(args->options[i].name, name) == 0)
            return args->values[i];
    }
    for (int i = 0; args_global_options[i].name != NULL; i++) {
        if (strcmp(args_global_options[i].name, name) == 0)
            return args->global_values[i];
    }
    assert(false && "an option that the command does not have");
    return NULL;
}
