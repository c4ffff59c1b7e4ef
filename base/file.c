/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"

int file_read(const char *path, size_t max, struct str *ret_content, struct err *err)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_(str_done) struct str content = {};
        char buffer[16384];

        if (fd < 0)
                return err_errno(err, -errno, "reading '%s'", path);
        for (;;) {
                ssize_t n = read(fd, buffer, sizeof(buffer));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_errno(err, -errno, "reading '%s'", path);
                if (n == 0)
                        break;
                if (content.len + (size_t)n > max)
                        return err_set(err, -EFBIG, "reading '%s': larger than %zu bytes", path,
                                       max);
                str_append_bytes(&content, buffer, (size_t)n);
        }
        *ret_content = content;
        content = (struct str){};
        return 0;
}
