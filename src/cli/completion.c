/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

/* How a shell spells what every script says:
 *
 *     head     names of global options that take a value, to pass over those before the verb
 *     verbs    LIST of verbs
 *     options  CASE of "VERB NOUN": LIST of options ...
 *     nouns    CASE of "VERB NOUN": LIST of nouns, and ids ...
 *     tail */
struct shell {
    const char *name;
    const char *head, *verbs, *options, *nouns, *tail;
    const char *list_open, *list_close;
    void (*write_item)(const char *name, const char *summary, struct buf *out);
    const char *indent, *either, *any, *then, *done; /* of a case */
    const char *ids_open, *ids_close;                /* around a command that prints ids */
};

/* bash shows names alone. */
static void write_name(const char *name, const char *summary, struct buf *out)
{
    (void)summary;
    buf_printf(out, " %s", name);
}

/* zsh and fish differ in what a quote inside of quotes is, and in what `\` is. */
static void write_quoted(const char *text, const char *quote, const char *backslash,
                         struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_printf(out, "%s", quote);
        else if (*text == '\\')
            buf_printf(out, "%s", backslash);
        else
            buf_printf(out, "%c", *text);
    }
}

/* 'NAME:SUMMARY'. No name has a colon. */
static void write_zsh(const char *name, const char *summary, struct buf *out)
{
    buf_printf(out, " '%s%s", name, *summary != '\0' ? ":" : "");
    write_quoted(summary, "'\\''", "\\", out);
    buf_printf(out, "'");
}

/* Two words: NAME 'SUMMARY'. */
static void write_fish(const char *name, const char *summary, struct buf *out)
{
    buf_printf(out, " %s '", name);
    write_quoted(summary, "\\'", "\\\\", out);
    buf_printf(out, "'");
}

static const struct shell shells[] = {
    { .name = "bash",
      .head = "# Completion of berth for bash: source <(berth completion bash)\n"
              "_berth() {\n"
              "    local cur=${COMP_WORDS[COMP_CWORD]} at=1 verb= noun= words=\n"
              "    while [ \"$at\" -lt \"$COMP_CWORD\" ]; do\n"
              "        case ${COMP_WORDS[at]} in\n"
              "        ",
      /* It takes --url=URL for three words. */
      .verbs = ") [ \"${COMP_WORDS[at + 1]}\" != = ] || at=$((at + 1))\n"
               "            at=$((at + 2)) ;;\n"
               "        -*) at=$((at + 1)) ;;\n"
               "        *) break ;;\n"
               "        esac\n"
               "    done\n"
               "    [ \"$at\" -ge \"$COMP_CWORD\" ] || verb=${COMP_WORDS[at]}\n"
               "    [ \"$((at + 1))\" -ge \"$COMP_CWORD\" ] || noun=${COMP_WORDS[at + 1]}\n"
               "    if [ \"$at\" -gt \"$COMP_CWORD\" ]; then\n"
               "        words=\n"
               "    elif [ \"$at\" = \"$COMP_CWORD\" ] && [ \"${cur:0:1}\" != - ]; then\n"
               "        ",
      .options = "\n    elif [ \"${cur:0:1}\" = - ]; then\n        case \"$verb $noun\" in\n",
      .nouns = "        esac\n    else\n        case \"$verb $noun\" in\n",
      .tail = "        esac\n    fi\n"
              "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
              "}\n"
              "complete -o default -F _berth berth\n",
      .list_open = "words='",
      .list_close = "'",
      .write_item = write_name,
      .indent = "        ",
      .either = "|",
      .any = "'*",
      .then = ") ",
      .done = " ;;\n",
      .ids_open = "; words+=\" $(berth ",
      .ids_close = " 2>/dev/null)\"" },
    /* Loaded by its name out of a folder of completions, a file is the function's body at first. */
    { .name = "zsh",
      .head = "#compdef berth\n"
              "# Completion of berth for zsh: source <(berth completion zsh)\n"
              "_berth() {\n"
              "    local at=2 verb= noun=\n"
              "    local -a found\n"
              "    while (( at < CURRENT )); do\n"
              "        case ${words[at]} in\n"
              "        ",
      .verbs = ") (( at += 2 )) ;;\n"
               "        -*) (( at += 1 )) ;;\n"
               "        *) break ;;\n"
               "        esac\n"
               "    done\n"
               "    (( at >= CURRENT )) || verb=${words[at]}\n"
               "    (( at + 1 >= CURRENT )) || noun=${words[at + 1]}\n"
               "    if (( at > CURRENT )); then\n"
               "        found=()\n"
               "    elif (( at == CURRENT )) && [[ $PREFIX != -* ]]; then\n"
               "        ",
      .options = "\n    elif [[ $PREFIX == -* ]]; then\n        case \"$verb $noun\" in\n",
      .nouns = "        esac\n    else\n        case \"$verb $noun\" in\n",
      .tail = "        esac\n    fi\n"
              "    _describe berth found || _files\n"
              "}\n"
              "if [ \"${funcstack[1]}\" = _berth ]; then _berth \"$@\"; else compdef _berth berth; "
              "fi\n",
      .list_open = "found=(",
      .list_close = " )",
      .write_item = write_zsh,
      .indent = "        ",
      .either = "|",
      .any = "'*",
      .then = ") ",
      .done = " ;;\n",
      .ids_open = "; found+=($(berth ",
      .ids_close = " 2>/dev/null))" },
    { .name = "fish",
      .head = "# Completion of berth for fish: berth completion fish | source\n"
              "function __berth_say\n"
              "    set -q argv[1]; and printf '%s\\t%s\\n' $argv\n"
              "end\n"
              "function __berth_words\n"
              "    set -l words (commandline -opc)\n"
              "    set -e words[1]\n"
              "    while set -q words[1]\n"
              "        switch $words[1]\n"
              "        case ",
      .verbs = "\n"
               "            set -q words[2]; or return\n"
               "            set -e words[1..2]\n"
               "        case '-*'\n"
               "            set -e words[1]\n"
               "        case '*'\n"
               "            break\n"
               "        end\n"
               "    end\n"
               "    if not set -q words[1]; and not string match -q -- '-*' (commandline -ct)\n"
               "        ",
      .options = "\n    else if string match -q -- '-*' (commandline -ct)\n"
                 "        switch \"$words[1] $words[2]\"\n",
      .nouns = "        end\n    else\n        switch \"$words[1] $words[2]\"\n",
      .tail = "        end\n    end\n"
              "end\n"
              "function __berth_complete\n"
              "    set -l found (__berth_words)\n"
              "    if set -q found[1]\n"
              "        printf '%s\\n' $found\n"
              "    else\n"
              "        __fish_complete_path (commandline -ct)\n"
              "    end\n"
              "end\n"
              "complete -c berth -f -a '(__berth_complete)'\n",
      .list_open = "__berth_say",
      .list_close = "",
      .write_item = write_fish,
      .indent = "        case ",
      .either = " ",
      .any = "*'",
      .then = "; ",
      .done = "\n",
      .ids_open = "; berth ",
      .ids_close = " 2>/dev/null" },
};

static void write_globals_with_values(const struct shell *shell, struct buf *out)
{
    const char *before = "";

    for (const struct args_option *option = args_global_options; option->name != NULL; option++) {
        if (option->value_name == NULL)
            continue;
        buf_printf(out, "%s--%s", before, option->name);
        before = shell->either;
    }
}

static bool is_first_of_verb(size_t row)
{
    for (size_t i = 0; i < row; i++) {
        if (strcmp(commands[i].verb, commands[row].verb) == 0)
            return false;
    }
    return true;
}

/* What a verb does, where it does one thing. */
static const char *verb_summary(size_t row)
{
    for (size_t i = 0; i < command_count; i++) {
        if (i != row && strcmp(commands[i].verb, commands[row].verb) == 0)
            return "";
    }
    return commands[row].summary;
}

static void write_verbs(const struct shell *shell, struct buf *out)
{
    buf_printf(out, "%s", shell->list_open);
    for (size_t i = 0; i < command_count; i++) {
        if (is_first_of_verb(i))
            shell->write_item(commands[i].verb, verb_summary(i), out);
    }
    buf_printf(out, "%s", shell->list_close);
}

static void write_options(const struct shell *shell, const struct args_option *options,
                          struct buf *out)
{
    for (; options->name != NULL; options++) {
        char name[128];

        (void)snprintf(name, sizeof name, "--%s", options->name);
        shell->write_item(name, options->help, out);
    }
}

/* Its words may be followed by others at once. */
static bool is_verb_enough(const struct command *command)
{
    return command->noun == NULL || command->is_noun_optional;
}

/* A case for all commands that share a list of options. Those that any word may follow come in a
 * second pass: "destroy " and anything is "destroy team", too. */
static void write_option_case(const struct shell *shell, size_t row, struct buf *out)
{
    const struct args_option *options = commands[row].options;
    const bool is_any = is_verb_enough(&commands[row]);
    const char *before = "";

    for (size_t i = 0; i < row; i++) {
        if (commands[i].options == options && is_verb_enough(&commands[i]) == is_any)
            return;
    }
    buf_printf(out, "%s", shell->indent);
    for (size_t i = row; i < command_count; i++) {
        if (commands[i].options != options || is_verb_enough(&commands[i]) != is_any)
            continue;
        buf_printf(out, "%s'%s %s%s", before, commands[i].verb, is_any ? "" : commands[i].noun,
                   is_any ? shell->any : "'");
        before = shell->either;
    }
    buf_printf(out, "%s%s", shell->then, shell->list_open);
    write_options(shell, options, out);
    write_options(shell, args_global_options, out);
    buf_printf(out, "%s%s", shell->list_close, shell->done);
}

/* Before a verb. */
static void write_global_case(const struct shell *shell, struct buf *out)
{
    buf_printf(out, "%s' '%s%s", shell->indent, shell->then, shell->list_open);
    write_options(shell, args_global_options, out);
    buf_printf(out, "%s%s", shell->list_close, shell->done);
}

static void write_option_cases(const struct shell *shell, struct buf *out)
{
    write_global_case(shell, out);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < command_count; i++) {
            if (is_verb_enough(&commands[i]) == (pass == 1))
                write_option_case(shell, i, out);
        }
    }
}

static void write_ids(const struct shell *shell, const char *lister, struct buf *out)
{
    if (lister != NULL)
        buf_printf(out, "%s%s%s", shell->ids_open, lister, shell->ids_close);
}

/* The words that may follow a verb: its nouns, and ids where it needs none. */
static void write_verb_case(const struct shell *shell, const char *verb, struct buf *out)
{
    const char *lister = NULL;

    buf_printf(out, "%s'%s '%s%s", shell->indent, verb, shell->then, shell->list_open);
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].verb, verb) != 0)
            continue;
        if (commands[i].noun != NULL)
            shell->write_item(commands[i].noun, commands[i].summary, out);
        if (is_verb_enough(&commands[i]))
            lister = commands[i].completes;
    }
    buf_printf(out, "%s", shell->list_close);
    write_ids(shell, lister, out);
    buf_printf(out, "%s", shell->done);
}

static void write_noun_cases(const struct shell *shell, struct buf *out)
{
    for (size_t i = 0; i < command_count; i++) {
        if (is_first_of_verb(i))
            write_verb_case(shell, commands[i].verb, out);
        if (commands[i].noun == NULL || commands[i].completes == NULL)
            continue;
        buf_printf(out, "%s'%s %s'%s%s%s", shell->indent, commands[i].verb, commands[i].noun,
                   shell->then, shell->list_open, shell->list_close);
        write_ids(shell, commands[i].completes, out);
        buf_printf(out, "%s", shell->done);
    }
}

bool completion_write(const char *name, struct buf *out)
{
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        const struct shell *shell = &shells[i];

        if (strcmp(shell->name, name) != 0)
            continue;
        buf_printf(out, "%s", shell->head);
        write_globals_with_values(shell, out);
        buf_printf(out, "%s", shell->verbs);
        write_verbs(shell, out);
        buf_printf(out, "%s", shell->options);
        write_option_cases(shell, out);
        buf_printf(out, "%s", shell->nouns);
        write_noun_cases(shell, out);
        buf_printf(out, "%s", shell->tail);
        return true;
    }
    return false;
}

bool cmd_completion(struct cli *cli, struct error *err)
{
    if (!completion_write(cli->args.words[0], cli->out))
        return cli_usage(cli, err, "completion is there for bash, zsh and fish");
    return true;
}
