/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

enum { LOG_PATH_SIZE = 1024 };

bool files_identify(struct docker *docker, const char *container,
                    char ret_id[static DOCKER_ID_SIZE], bool *ret_is_running, struct error *err)
{
    auto_json json_t *root = NULL;
    const char *id;

    if (!docker_inspect(docker, container, &root, err) ||
        !json_need_text(root, "Id", DOCKER_ID_SIZE - 1, &id, err))
        return false;
    (void)snprintf(ret_id, DOCKER_ID_SIZE, "%s", id);
    *ret_is_running = json_is_true(json_object_get(json_object_get(root, "State"), "Running"));
    return true;
}

bool files_upper_dir(struct docker *docker, const char *container, char *path, size_t size,
                     struct error *err)
{
    auto_json json_t *root = NULL;

    if (!docker_inspect(docker, container, &root, err))
        return false;
    const json_t *driver = json_object_get(root, "GraphDriver");
    const char *name = json_string_value(json_object_get(driver, "Name"));
    const char *upper =
        json_string_value(json_object_get(json_object_get(driver, "Data"), "UpperDir"));
    if (upper == NULL || name == NULL || strcmp(name, "overlay2") != 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the engine stores containers by %s, and only overlay2 lets one move",
                         name != NULL ? name : "unknown means");
    (void)snprintf(path, size, "%s", upper);
    return true;
}

bool files_are_in(struct docker *docker, const char *container, bool *ret, struct error *err)
{
    struct stat status;
    char dir[1024];

    if (!files_upper_dir(docker, container, dir, sizeof dir, err))
        return false;
    *ret = stat(dir, &status) == 0;
    return true;
}

void files_keep_log(struct docker *docker, const char *old, const char *next)
{
    auto_json json_t *root = NULL;
    char id[DOCKER_ID_SIZE], path[LOG_PATH_SIZE];
    bool is_running;
    struct error ignored;

    if (!docker_inspect(docker, old, &root, &ignored) ||
        !files_identify(docker, next, id, &is_running, &ignored))
        return;
    const char *from = json_string_value(json_object_get(root, "LogPath"));
    const char *own = json_string_value(json_object_get(root, "Id"));
    const char *dir = from != NULL && own != NULL ? strstr(from, own) : NULL;
    if (dir == NULL || snprintf(path, sizeof path, "%.*s%s/%s-json.log", (int)(dir - from), from,
                                id, id) >= (int)sizeof path)
        return;
    (void)!link(from, path);
}
