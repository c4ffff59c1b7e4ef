/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/resolve.h"

/*
 * libuv owns the request until its callback ran, cancelled or not. So the struct is freed there and
 * nowhere else, and a cancelled look-up only loses whom it would tell.
 */

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "base/mem.h"

struct kube_resolve {
        uv_getaddrinfo_t request;
        kube_resolve_cb cb; /* NULL: cancelled */
        void *userdata;
};

bool kube_resolve_is_address(const char *host)
{
        uint8_t address[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void collect(const struct addrinfo *list, struct strv *addresses)
{
        for (const struct addrinfo *a = list; a; a = a->ai_next) {
                char text[NI_MAXHOST];

                if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
                                NI_NUMERICHOST) == 0)
                        strv_push(addresses, text);
        }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
        _cleanup_(freep) struct kube_resolve *r =
                container_of(request, struct kube_resolve, request);
        _cleanup_(strv_done) struct strv addresses = {};

        if (r->cb) {
                if (status == 0)
                        collect(list, &addresses);
                if (status == 0 && addresses.n_items == 0)
                        status = UV_EAI_NODATA;
                r->cb(r->userdata, status < 0 ? -EHOSTUNREACH : 0, &addresses,
                      status < 0 ? uv_strerror(status) : NULL);
        }
        uv_freeaddrinfo(list);
}

int kube_resolve_start(uv_loop_t *loop, const char *host, kube_resolve_cb cb, void *userdata,
                       struct kube_resolve **ret_resolve)
{
        _cleanup_(freep) struct kube_resolve *r = xcalloc(1, sizeof(*r));
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        int status;

        r->cb = cb;
        r->userdata = userdata;
        status = uv_getaddrinfo(loop, &r->request, on_resolved, host, NULL, &hints);
        if (status < 0)
                return status;
        *ret_resolve = take_ptr(r);
        return 0;
}

void kube_resolve_cancel(struct kube_resolve *r)
{
        if (!r)
                return;
        r->cb = NULL;
        uv_cancel((uv_req_t *)&r->request);
}
