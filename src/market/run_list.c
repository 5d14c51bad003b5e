/* SPDX-License-Identifier: Apache-2.0 */
#include "market/run_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char run_list_known[] =
#include "market/run_list_known.inc"
    ;

enum { LINE_SIZE = 256, COLUMNS = 4, DIGITS_MAX = 15 };

static const char heading[] = "task,series,gpu_name,per_second";

/* The line's fields, cut apart in place. */
static bool cut(char *line, char *fields[static COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        fields[i] = line;
        char *comma = strchr(line, ',');
        if ((comma == NULL) != (i == COLUMNS - 1) || *line == '\0' || *line == ',')
            return false;
        if (comma != NULL) {
            *comma = '\0';
            line = comma + 1;
        }
    }
    return true;
}

/* Digits, and a point among them: above 0. */
static bool read_number(const char *text, double *ret)
{
    size_t whole = strspn(text, "0123456789"), part = 0;
    bool has_point = text[whole] == '.';

    if (has_point)
        part = strspn(text + whole + 1, "0123456789");
    if (whole == 0 || (has_point && part == 0) || whole + part > DIGITS_MAX ||
        text[whole + part + (has_point ? 1 : 0)] != '\0')
        return false;
    *ret = strtod(text, NULL);
    return *ret > 0;
}

static bool find_task(const char *name, enum dlperf_task *ret)
{
    for (int task = 0; task < DLPERF_TASKS; task++) {
        if (strcmp(dlperf_task_name((enum dlperf_task)task), name) == 0) {
            *ret = (enum dlperf_task)task;
            return true;
        }
    }
    return false;
}

/* NULL: it is there, or it is new and was added. */
static const char *find_series(struct run_list *list, const char *name, enum dlperf_task task,
                               int *ret)
{
    size_t i = 0;

    while (i < list->series_count && strcmp(list->series[i].name, name) != 0)
        i++;
    if (i == RUN_SERIES_MAX || strlen(name) >= RUN_SERIES_SIZE)
        return "too many series, or too long a name of one";
    if (i == list->series_count) {
        (void)snprintf(list->series[i].name, RUN_SERIES_SIZE, "%s", name);
        list->series[i].task = task;
        list->series_count++;
    }
    *ret = (int)i;
    return list->series[i].task == task ? NULL : "a series of two tasks";
}

/* What is wrong with it, or NULL. */
static const char *add_line(struct run_list *list, char *line)
{
    char *fields[COLUMNS];
    struct run run;

    if (!cut(line, fields))
        return "not four fields";
    if (!find_task(fields[0], &run.task))
        return "a task that nobody knows";
    run.model = gpu_model(fields[2]);
    if (run.model == NULL)
        return "a GPU that nobody knows";
    if (!read_number(fields[3], &run.per_second))
        return "no speed";
    const char *trouble = find_series(list, fields[1], run.task, &run.series);
    if (trouble != NULL)
        return trouble;
    for (size_t i = 0; i < list->count; i++) {
        if (list->runs[i].series == run.series && list->runs[i].model == run.model)
            return "the same run twice";
    }
    if (list->count == RUN_LIST_MAX)
        return "too many runs";
    list->runs[list->count++] = run;
    return NULL;
}

bool run_list_add(struct run_list *list, const char *text, struct error *err)
{
    const size_t count = list->count, series_count = list->series_count;
    const char *trouble = NULL;
    int number = 0;

    while (*text != '\0' && trouble == NULL) {
        size_t length = strcspn(text, "\n");
        char line[LINE_SIZE];

        number++;
        (void)snprintf(line, sizeof line, "%.*s", (int)(length < LINE_SIZE ? length : LINE_SIZE),
                       text);
        text += length + (text[length] == '\n' ? 1 : 0);
        if (length >= sizeof line)
            trouble = "too long a line";
        else if (number == 1)
            trouble = strcmp(line, heading) == 0 ? NULL : "another heading";
        else if (*line != '\0')
            trouble = add_line(list, line);
    }
    if (trouble == NULL && number > 0)
        return true;
    list->count = count;
    list->series_count = series_count;
    return error_set(err, ERROR_INVALID, "line %d of the runs: %s", number,
                     trouble != NULL ? trouble : "there is none");
}
