/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support_vfs.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 16, PENDING_MAX = 4096, SECTOR = 512, CHUNK = 1 << 16 };

/* A write, or a cut, that no sync has made last. */
struct pending {
    int64_t offset;
    size_t length;
    char *bytes; /* NULL: cut to `offset` */
};

/* What the disk has of a file, whatever the caches say. */
struct shadow {
    char name[512];
    char *bytes; /* as of the last sync */
    size_t length, capacity;
    struct pending pending[PENDING_MAX];
    size_t pending_count;
};

struct file {
    sqlite3_file base;
    struct shadow *shadow; /* NULL for those that need not last */
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock; /* guards all of it */
    struct vfs_plan plan;
    int64_t operations, syncs;
    bool is_dead;      /* the power is gone, or the disk for good */
    bool is_powerless; /* the power is gone */
    struct shadow *shadows[FILES_MAX];
    size_t shadow_count;
    uint64_t random;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static sqlite3_vfs vfs, *real_vfs;

static uint64_t draw(uint64_t limit)
{
    uint64_t z = disk.random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

static void put(struct shadow *shadow, const struct pending *pending, size_t from, size_t count)
{
    size_t end = (size_t)pending->offset + from + count;

    if (pending->bytes == NULL) {
        shadow->length =
            (size_t)pending->offset < shadow->length ? (size_t)pending->offset : shadow->length;
        return;
    }
    if (end > shadow->length) {
        if (end > shadow->capacity) {
            shadow->capacity = 2 * end;
            shadow->bytes = realloc(shadow->bytes, shadow->capacity);
        }
        if (shadow->bytes == NULL)
            abort();
        memset(shadow->bytes + shadow->length, 0, end - shadow->length);
        shadow->length = end;
    }
    memcpy(shadow->bytes + (size_t)pending->offset + from, pending->bytes + from, count);
}

static void forget_pending(struct shadow *shadow)
{
    for (size_t i = 0; i < shadow->pending_count; i++)
        free(shadow->pending[i].bytes);
    shadow->pending_count = 0;
}

static void settle(struct shadow *shadow)
{
    for (size_t i = 0; i < shadow->pending_count; i++)
        put(shadow, &shadow->pending[i], 0, shadow->pending[i].length);
    forget_pending(shadow);
}

/* Some writes made it, some did not, some sectors of some did. */
static void settle_by_chance(struct shadow *shadow)
{
    for (size_t i = 0; i < shadow->pending_count; i++) {
        const struct pending *pending = &shadow->pending[i];
        uint64_t fate = draw(4);

        if (fate <= 1) {
            put(shadow, pending, 0, pending->length);
        } else if (fate == 2 && pending->bytes != NULL) {
            for (size_t from = 0; from < pending->length; from += SECTOR) {
                size_t rest = pending->length - from;

                if (draw(2) == 0)
                    put(shadow, pending, from, rest < SECTOR ? rest : SECTOR);
            }
        }
    }
    forget_pending(shadow);
}

/* The layer below takes no more at once. */
static size_t chunk(size_t left)
{
    return left < CHUNK ? left : CHUNK;
}

/* Past our own counting, where the layer below keeps its files. */
static void leave_file(const char *path, const struct shadow *shadow)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;
    sqlite3_file *file = calloc(1, (size_t)real_vfs->szOsFile);

    if (file == NULL || real_vfs->xOpen(real_vfs, path, file, flags, NULL) != SQLITE_OK)
        abort();
    for (size_t at = 0; at < shadow->length; at += CHUNK)
        if (file->pMethods->xWrite(file, shadow->bytes + at, (int)chunk(shadow->length - at),
                                   (sqlite3_int64)at) != SQLITE_OK)
            abort();
    if (file->pMethods->xClose(file) != SQLITE_OK)
        abort();
    free(file);
}

static void leave_wreck(void)
{
    for (size_t i = 0; i < disk.shadow_count; i++) {
        struct shadow *shadow = disk.shadows[i];
        const char *name = strrchr(shadow->name, '/');
        char path[1024];

        settle_by_chance(shadow);
        (void)snprintf(path, sizeof path, "%s/%s", disk.plan.wreck,
                       name != NULL ? name + 1 : shadow->name);
        leave_file(path, shadow);
    }
}

/* One more operation: what becomes of it. Called under the lock. */
static int operate(void)
{
    if (disk.is_dead)
        return disk.plan.fault == VFS_FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR;
    if (++disk.operations != disk.plan.fault_at)
        return SQLITE_OK;
    disk.is_dead = disk.plan.is_lasting || disk.plan.fault == VFS_FAULT_POWER;
    disk.is_powerless = disk.plan.fault == VFS_FAULT_POWER;
    if (disk.is_powerless)
        leave_wreck();
    return disk.plan.fault == VFS_FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR;
}

static void remember(struct shadow *shadow, int64_t offset, const void *bytes, size_t length)
{
    struct pending pending = { .offset = offset, .length = length };

    if (shadow->pending_count == PENDING_MAX)
        settle(shadow); /* a disk writes back some time */
    if (bytes != NULL) {
        pending.bytes = malloc(length > 0 ? length : 1);
        if (pending.bytes == NULL)
            abort();
        memcpy(pending.bytes, bytes, length);
    }
    shadow->pending[shadow->pending_count++] = pending;
}

static int write_file(sqlite3_file *handle, const void *bytes, int amount, sqlite3_int64 offset)
{
    struct file *file = (struct file *)handle;
    int code = SQLITE_OK;

    if (file->shadow == NULL)
        return file->real->pMethods->xWrite(file->real, bytes, amount, offset);
    (void)pthread_mutex_lock(&disk.lock);
    code = operate();
    /* The one at which the power goes may be on its way already; so may one that fails. */
    if (code == SQLITE_OK || (disk.plan.fault == VFS_FAULT_IO && !disk.is_dead && draw(2) == 0)) {
        remember(file->shadow, offset, bytes, (size_t)amount);
        int real = file->real->pMethods->xWrite(file->real, bytes, amount, offset);
        code = code == SQLITE_OK ? real : code;
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return code;
}

static int cut_file(sqlite3_file *handle, sqlite3_int64 size)
{
    struct file *file = (struct file *)handle;
    int code = SQLITE_OK;

    if (file->shadow == NULL)
        return file->real->pMethods->xTruncate(file->real, size);
    (void)pthread_mutex_lock(&disk.lock);
    code = operate();
    if (code == SQLITE_OK) {
        remember(file->shadow, size, NULL, 0);
        code = file->real->pMethods->xTruncate(file->real, size);
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return code;
}

static int sync_file(sqlite3_file *handle, int flags)
{
    struct file *file = (struct file *)handle;
    int code;

    (void)flags;
    if (disk.plan.before_sync != NULL)
        disk.plan.before_sync(disk.plan.context);
    (void)pthread_mutex_lock(&disk.lock);
    code = operate();
    if (code == SQLITE_OK && file->shadow != NULL)
        settle(file->shadow);
    disk.syncs += code == SQLITE_OK;
    (void)pthread_mutex_unlock(&disk.lock);
    return code;
}

static int close_file(sqlite3_file *handle)
{
    struct file *file = (struct file *)handle;

    return file->real->pMethods->xClose(file->real);
}

static int read_file(sqlite3_file *handle, void *bytes, int amount, sqlite3_int64 offset)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xRead(real, bytes, amount, offset);
}

static int size_file(sqlite3_file *handle, sqlite3_int64 *size)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xFileSize(real, size);
}

static int lock_file(sqlite3_file *handle, int level)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xLock(real, level);
}

static int unlock_file(sqlite3_file *handle, int level)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xUnlock(real, level);
}

static int check_lock(sqlite3_file *handle, int *is_locked)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xCheckReservedLock(real, is_locked);
}

/* Hints that would go around the counting (chunks, mappings) are not known here. */
static int control_file(sqlite3_file *handle, int operation, void *argument)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE ||
        operation == SQLITE_FCNTL_MMAP_SIZE)
        return SQLITE_NOTFOUND;
    return real->pMethods->xFileControl(real, operation, argument);
}

static int sector_size(sqlite3_file *handle)
{
    (void)handle;
    return SECTOR;
}

static int characteristics(sqlite3_file *handle)
{
    (void)handle;
    return 0; /* promises nothing */
}

static int map_shared(sqlite3_file *handle, int page, int size, int extend, void volatile **at)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xShmMap(real, page, size, extend, at);
}

static int lock_shared(sqlite3_file *handle, int offset, int count, int flags)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void barrier_shared(sqlite3_file *handle)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    real->pMethods->xShmBarrier(real);
}

static int unmap_shared(sqlite3_file *handle, int must_delete)
{
    sqlite3_file *real = ((struct file *)handle)->real;

    return real->pMethods->xShmUnmap(real, must_delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = cut_file,
    .xSync = sync_file,
    .xFileSize = size_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = barrier_shared,
    .xShmUnmap = unmap_shared,
};

/* What was there before is on the disk. */
static void load(struct shadow *shadow, sqlite3_file *real)
{
    sqlite3_int64 size;

    if (real->pMethods->xFileSize(real, &size) != SQLITE_OK)
        abort();
    shadow->length = shadow->capacity = (size_t)size;
    shadow->bytes = malloc(shadow->capacity + 1);
    if (shadow->bytes == NULL)
        abort();
    for (size_t at = 0; at < shadow->length; at += CHUNK)
        if (real->pMethods->xRead(real, shadow->bytes + at, (int)chunk(shadow->length - at),
                                  (sqlite3_int64)at) != SQLITE_OK)
            abort();
}

/* Opened twice it is still one file. */
static struct shadow *shadow_of(const char *name, sqlite3_file *real)
{
    for (size_t i = 0; i < disk.shadow_count; i++)
        if (strcmp(disk.shadows[i]->name, name) == 0)
            return disk.shadows[i];
    assert(disk.shadow_count < FILES_MAX);
    struct shadow *shadow = calloc(1, sizeof *shadow);
    if (shadow == NULL)
        abort();
    (void)snprintf(shadow->name, sizeof shadow->name, "%s", name);
    load(shadow, real);
    disk.shadows[disk.shadow_count++] = shadow;
    return shadow;
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *handle, int flags,
                     int *ret_flags)
{
    struct file *file = (struct file *)handle;

    (void)self;
    *file = (struct file){ .real = (sqlite3_file *)(file + 1) };
    int code = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
    if (code != SQLITE_OK)
        return code;
    file->base.pMethods = &methods;
    (void)pthread_mutex_lock(&disk.lock);
    if (name != NULL && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))
        file->shadow = shadow_of(name, file->real);
    (void)pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

/* Deleting a file is taken to last at once. */
static int delete_file(sqlite3_vfs *self, const char *name, int is_synced)
{
    int code = SQLITE_IOERR;

    (void)self;
    (void)pthread_mutex_lock(&disk.lock);
    if (!disk.is_dead) {
        for (size_t i = 0; i < disk.shadow_count; i++)
            if (strcmp(disk.shadows[i]->name, name) == 0) {
                forget_pending(disk.shadows[i]);
                disk.shadows[i]->length = 0;
            }
        code = real_vfs->xDelete(real_vfs, name, is_synced);
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return code;
}

void vfs_install(const struct vfs_plan *plan)
{
    disk.plan = *plan;
    disk.operations = disk.syncs = 0;
    disk.is_dead = disk.is_powerless = false;
    disk.random = plan->seed;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "faulty disk";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

void vfs_fault_next(int64_t n, enum vfs_fault fault, bool is_lasting)
{
    (void)pthread_mutex_lock(&disk.lock);
    assert(n >= 1 && !disk.is_dead);
    disk.plan.fault_at = disk.operations + n;
    disk.plan.fault = fault;
    disk.plan.is_lasting = is_lasting;
    (void)pthread_mutex_unlock(&disk.lock);
}

void vfs_mend(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    disk.plan.fault_at = 0;
    disk.is_dead = disk.is_powerless;
    (void)pthread_mutex_unlock(&disk.lock);
}

bool vfs_has_power(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    bool has = !disk.is_powerless;
    (void)pthread_mutex_unlock(&disk.lock);
    return has;
}

void vfs_cut_power(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    if (!disk.is_powerless)
        leave_wreck();
    disk.is_dead = disk.is_powerless = true;
    (void)pthread_mutex_unlock(&disk.lock);
}

void vfs_remove(void)
{
    (void)sqlite3_vfs_unregister(&vfs);
    (void)sqlite3_vfs_register(real_vfs, 1);
    if (disk.plan.fault == VFS_FAULT_POWER && !disk.is_powerless)
        leave_wreck();
    for (size_t i = 0; i < disk.shadow_count; i++) {
        forget_pending(disk.shadows[i]);
        free(disk.shadows[i]->bytes);
        free(disk.shadows[i]);
    }
    disk.shadow_count = 0;
}

int64_t vfs_operations(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    int64_t operations = disk.operations;
    (void)pthread_mutex_unlock(&disk.lock);
    return operations;
}

int64_t vfs_syncs(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    int64_t syncs = disk.syncs;
    (void)pthread_mutex_unlock(&disk.lock);
    return syncs;
}
