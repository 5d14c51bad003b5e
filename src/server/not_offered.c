/* SPDX-License-Identifier: Apache-2.0 */
#include "server/not_offered.h"

#include <stddef.h>
#include <string.h>

const char *not_offered(const char *path)
{
    /* What is behind /api/v0/, or a path that is not below it, begins with. */
    static const struct {
        const char *segment, *what;
    } rows[] = {
        { "cluster", "clusters of machines" },
        { "clusters", "clusters of machines" },
        { "overlay", "networks between instances" },
        { "network_volumes", "volumes on a network: those that it has are on one machine" },
        { "network_disk", "disks on a network" },
        { "benchmarks", "benchmarks of templates: what a machine does is its offer's dlperf" },
        { "endptjobs", "serverless endpoints" },
        { "autojobs", "serverless worker groups" },
        { "workergroups", "serverless worker groups" },
        { "deployment", "serverless deployments" },
        { "deployments", "serverless deployments" },
        { "get_endpoint_logs", "serverless endpoints" },
        { "get_endpoint_workers", "serverless endpoints" },
        { "get_autogroup_logs", "serverless worker groups" },
        { "get_workergroup_logs", "serverless worker groups" },
        { "get_workergroup_workers", "serverless worker groups" },
        { "update_workers", "serverless worker groups" },
        { "route", "serverless endpoints" },
    };
    static const char prefix[] = "/api/v0/";

    while (path[0] == '/' && path[1] == '/')
        path++;
    path += strncmp(path, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : *path == '/';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].segment);

        if (strncmp(rows[i].segment, path, length) == 0 &&
            (path[length] == '/' || path[length] == '\0'))
            return rows[i].what;
    }
    return NULL;
}
