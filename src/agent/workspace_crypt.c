/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/workspace_crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sys/crypto.h"

/* A key with its header, as the kernel takes it. */
union key_request {
    struct fscrypt_add_key_arg header;
    uint8_t bytes[sizeof(struct fscrypt_add_key_arg) + WORKSPACE_KEY_SIZE];
};

static bool not_here(struct error *err)
{
    bool is_lacking = errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOPKG;

    (void)error_system(err, errno, "encrypt by fscrypt");
    if (is_lacking)
        err->code = ERROR_UNAVAILABLE;
    return false;
}

static bool add_key(int folder, const uint8_t key[static WORKSPACE_KEY_SIZE],
                    struct fscrypt_key_specifier *ret, struct error *err)
{
    union key_request request = { 0 };

    request.header.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
    request.header.raw_size = WORKSPACE_KEY_SIZE;
    memcpy(request.bytes + sizeof request.header, key, WORKSPACE_KEY_SIZE);
    int result = ioctl(folder, FS_IOC_ADD_ENCRYPTION_KEY, &request);
    int error = errno;
    *ret = request.header.key_spec;
    crypto_wipe(&request, sizeof request);
    errno = error;
    return result == 0 || not_here(err);
}

/* Which key it is encrypted with; false: with none. */
static bool read_policy(int folder, struct fscrypt_policy_v2 *ret)
{
    struct fscrypt_get_policy_ex_arg arg = { .policy_size = sizeof arg.policy };

    if (ioctl(folder, FS_IOC_GET_ENCRYPTION_POLICY_EX, &arg) != 0 ||
        arg.policy.version != FSCRYPT_POLICY_V2)
        return false;
    *ret = arg.policy.v2;
    return true;
}

bool workspace_unlock(int folder, const uint8_t key[static WORKSPACE_KEY_SIZE], struct error *err)
{
    struct fscrypt_policy_v2 policy = {
        .version = FSCRYPT_POLICY_V2,
        .contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
        .filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
        .flags = FSCRYPT_POLICY_FLAGS_PAD_32,
    };
    struct fscrypt_policy_v2 found;
    struct fscrypt_key_specifier specifier;

    if (!add_key(folder, key, &specifier, err))
        return false;
    memcpy(policy.master_key_identifier, specifier.u.identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
    if (!read_policy(folder, &found))
        return ioctl(folder, FS_IOC_SET_ENCRYPTION_POLICY, &policy) == 0 || not_here(err);
    if (memcmp(found.master_key_identifier, policy.master_key_identifier,
               FSCRYPT_KEY_IDENTIFIER_SIZE) == 0)
        return true;
    struct fscrypt_remove_key_arg remove = { .key_spec = specifier };
    (void)ioctl(folder, FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS, &remove);
    return error_set(err, ERROR_CONFLICT, "it is encrypted with another key than the server's");
}

bool workspace_lock(int root, const char *name, struct error *err)
{
    struct fscrypt_remove_key_arg remove = { .key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER };
    struct fscrypt_policy_v2 policy;
    int folder = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (folder < 0)
        return errno == ENOENT || error_system(err, errno, "open the encrypted folder");
    bool has_policy = read_policy(folder, &policy);
    (void)close(folder); /* while it is open, it is in use */
    if (!has_policy)
        return true;
    memcpy(remove.key_spec.u.identifier, policy.master_key_identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
    if (ioctl(root, FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS, &remove) != 0)
        return errno == ENOKEY || error_system(err, errno, "take the key away");
    if ((remove.removal_status_flags & FSCRYPT_KEY_REMOVAL_STATUS_FLAG_FILES_BUSY) != 0)
        return error_set(err, ERROR_CONFLICT, "files of the workspace are open");
    return true;
}
