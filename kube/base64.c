/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/base64.h"

/*
 * OpenSSL's decoder wants lines of its own kind and reports padding as data, so the hundred lines
 * stand here. Decoding is strict but for white space: a kubeconfig may fold its base64.
 */

#include <errno.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct str *s, const void *data, size_t len)
{
        const unsigned char *p = data;

        for (size_t i = 0; i < len; i += 3) {
                size_t n = len - i < 3 ? len - i : 3;
                uint32_t bits = (uint32_t)p[i] << 16;

                bits |= n > 1 ? (uint32_t)p[i + 1] << 8 : 0;
                bits |= n > 2 ? (uint32_t)p[i + 2] : 0;
                str_append_char(s, alphabet[bits >> 18 & 63]);
                str_append_char(s, alphabet[bits >> 12 & 63]);
                str_append_char(s, n > 1 ? alphabet[bits >> 6 & 63] : '=');
                str_append_char(s, n > 2 ? alphabet[bits & 63] : '=');
        }
}

/* Four characters to one to three bytes. -EINVAL: wrong padding, or bits left over. */
static int decode_group(const int group[static 4], bool last, struct str *s)
{
        int n_pad = (group[2] < 0) + (group[3] < 0);
        uint32_t bits = 0;

        if (group[0] < 0 || group[1] < 0 || (group[2] < 0 && group[3] >= 0) || (n_pad && !last))
                return -EINVAL;
        for (int i = 0; i < 4; i++)
                bits = bits << 6 | (group[i] < 0 ? 0 : (uint32_t)group[i]);
        if ((n_pad == 1 && bits & 0xff) || (n_pad == 2 && bits & 0xffff))
                return -EINVAL;
        str_append_char(s, (char)(bits >> 16));
        if (n_pad < 2)
                str_append_char(s, (char)(bits >> 8));
        if (n_pad < 1)
                str_append_char(s, (char)bits);
        return 0;
}

int base64_decode(const char *text, struct str *s)
{
        static const char space[] = " \t\r\n";
        size_t before = s->len;
        int group[4];
        int n = 0;

        for (const char *p = text + strspn(text, space); *p; p += strspn(p, space)) {
                const char *at = strchr(alphabet, *p);

                group[n++] = at ? (int)(at - alphabet) : -1;
                if (!at && *p != '=')
                        break;
                p++;
                if (n < 4)
                        continue;
                if (decode_group(group, !p[strspn(p, space)], s) < 0)
                        break;
                n = 0;
        }
        if (n == 0 && !s->overflow && (s->len > before || !text[strspn(text, space)]))
                return 0;
        s->len = before;
        if (s->data)
                s->data[before] = '\0';
        return -EINVAL;
}
