/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support_vfs.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 16, PENDING_MAX = 4096, SECTOR = 512, CHUNK = 1 << 16 };

/* A write, or a cut, that no sync has made last: how to do it once more, and how to undo it. */
struct pending {
    int64_t offset; /* the length from then on, where it is a cut */
    bool is_cut;
    size_t length, old_length; /* of what was written, and of what that took the place of */
    size_t at;                 /* where both are in `bytes` of the shadow */
    size_t file_length;        /* before it */
};

/* What the disk has of a file, whatever the caches say: what those have, less what is pending. */
struct shadow {
    char name[512];
    size_t length; /* of the file as its users see it */
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    char *bytes; /* of all that is pending */
    size_t bytes_length, bytes_capacity;
};

/* The file as it was at its last sync, with some of what came behind that. */
struct image {
    char *bytes;
    size_t length, capacity;
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

static void *grown(void *bytes, size_t size)
{
    bytes = realloc(bytes, size);
    if (bytes == NULL)
        abort();
    return bytes;
}

static void put(struct image *image, int64_t offset, const char *bytes, size_t count)
{
    size_t end = (size_t)offset + count;

    if (count == 0)
        return; /* nothing was there */
    if (end > image->capacity) {
        image->capacity = 2 * end;
        image->bytes = grown(image->bytes, image->capacity);
    }
    if (end > image->length) {
        memset(image->bytes + image->length, 0, end - image->length);
        image->length = end;
    }
    memcpy(image->bytes + (size_t)offset, bytes, count);
}

static void cut(struct image *image, size_t length)
{
    image->length = length < image->length ? length : image->length;
}

static void settle(struct shadow *shadow)
{
    shadow->pending_count = 0;
    shadow->bytes_length = 0;
}

static void undo(const struct shadow *shadow, struct image *image)
{
    for (size_t i = shadow->pending_count; i-- > 0;) {
        const struct pending *pending = &shadow->pending[i];

        cut(image, pending->file_length);
        put(image, pending->offset, shadow->bytes + pending->at + pending->length,
            pending->old_length);
    }
}

/* Some writes made it, some did not, some sectors of some did. */
static void redo_by_chance(const struct shadow *shadow, struct image *image)
{
    for (size_t i = 0; i < shadow->pending_count; i++) {
        const struct pending *pending = &shadow->pending[i];
        const char *bytes = shadow->bytes + pending->at;
        uint64_t fate = draw(4);

        if (fate <= 1 && pending->is_cut) {
            cut(image, (size_t)pending->offset);
        } else if (fate <= 1) {
            put(image, pending->offset, bytes, pending->length);
        } else if (fate == 2) {
            for (size_t from = 0; from < pending->length; from += SECTOR) {
                size_t rest = pending->length - from;

                if (draw(2) == 0)
                    put(image, pending->offset + (int64_t)from, bytes + from,
                        rest < SECTOR ? rest : SECTOR);
            }
        }
    }
}

/* The layer below takes no more at once. */
static size_t chunk(size_t left)
{
    return left < CHUNK ? left : CHUNK;
}

/* Past our own counting, where the layer below keeps its files. */
static sqlite3_file *open_below(const char *path, int flags)
{
    sqlite3_file *file = calloc(1, (size_t)real_vfs->szOsFile);

    if (file == NULL ||
        real_vfs->xOpen(real_vfs, path, file, flags | SQLITE_OPEN_MAIN_DB, NULL) != SQLITE_OK)
        abort();
    return file;
}

static void close_below(sqlite3_file *file)
{
    if (file->pMethods->xClose(file) != SQLITE_OK)
        abort();
    free(file);
}

static void take_image(const struct shadow *shadow, struct image *image)
{
    if (shadow->length == 0)
        return; /* it may have been deleted */
    sqlite3_file *file = open_below(shadow->name, SQLITE_OPEN_READONLY);

    image->length = image->capacity = shadow->length;
    image->bytes = grown(NULL, image->capacity);
    for (size_t at = 0; at < image->length; at += CHUNK)
        if (file->pMethods->xRead(file, image->bytes + at, (int)chunk(image->length - at),
                                  (sqlite3_int64)at) != SQLITE_OK)
            abort();
    close_below(file);
}

static void leave_image(const char *path, const struct image *image)
{
    sqlite3_file *file = open_below(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

    for (size_t at = 0; at < image->length; at += CHUNK)
        if (file->pMethods->xWrite(file, image->bytes + at, (int)chunk(image->length - at),
                                   (sqlite3_int64)at) != SQLITE_OK)
            abort();
    close_below(file);
}

static void leave_wreck(void)
{
    for (size_t i = 0; i < disk.shadow_count; i++) {
        struct shadow *shadow = disk.shadows[i];
        const char *name = strrchr(shadow->name, '/');
        struct image image = { 0 };
        char path[1024];

        take_image(shadow, &image);
        undo(shadow, &image);
        redo_by_chance(shadow, &image);
        settle(shadow);
        (void)snprintf(path, sizeof path, "%s/%s", disk.plan.wreck,
                       name != NULL ? name + 1 : shadow->name);
        leave_image(path, &image);
        free(image.bytes);
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

/* Before the file below is changed: what is there yet can be read from it. */
static void remember(const struct file *file, const struct pending *what, const void *bytes)
{
    struct shadow *shadow = file->shadow;
    struct pending pending = *what;
    size_t offset = (size_t)pending.offset;

    if (shadow->pending_count == PENDING_MAX)
        settle(shadow); /* a disk writes back some time */
    pending.file_length = shadow->length;
    pending.old_length = offset < shadow->length ? shadow->length - offset : 0;
    if (!pending.is_cut && pending.old_length > pending.length)
        pending.old_length = pending.length;
    pending.at = shadow->bytes_length;
    shadow->bytes_length += pending.length + pending.old_length;
    if (shadow->bytes_length > shadow->bytes_capacity) {
        shadow->bytes_capacity = 2 * shadow->bytes_length;
        shadow->bytes = grown(shadow->bytes, shadow->bytes_capacity);
    }
    if (pending.length > 0)
        memcpy(shadow->bytes + pending.at, bytes, pending.length);
    char *old = shadow->bytes + pending.at + pending.length;
    for (size_t at = 0; at < pending.old_length; at += CHUNK)
        if (file->real->pMethods->xRead(file->real, old + at, (int)chunk(pending.old_length - at),
                                        (sqlite3_int64)(offset + at)) != SQLITE_OK)
            abort();
    shadow->pending[shadow->pending_count++] = pending;
    if (pending.is_cut)
        shadow->length = offset < shadow->length ? offset : shadow->length;
    else if (offset + pending.length > shadow->length)
        shadow->length = offset + pending.length;
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
        remember(file, &(struct pending){ .offset = offset, .length = (size_t)amount }, bytes);
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
        remember(file, &(struct pending){ .offset = size, .is_cut = true }, NULL);
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
    sqlite3_int64 size;
    if (real->pMethods->xFileSize(real, &size) != SQLITE_OK)
        abort();
    shadow->length = (size_t)size; /* what was there before is on the disk */
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
                settle(disk.shadows[i]);
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
