/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/curl_loop.h"

/*
 * curl says which sockets to watch for what (on_socket) and when to be called again (on_timer); we
 * tell it when a socket is ready or the time has come (act), and it does a round of work in which
 * it calls the write callbacks. Only when that round is over are the owners told: first those with
 * new data, then those that ended (deliver).
 *
 * A callback may stop everything. `multi` is NULL then, which every loop here looks at after each
 * callback; the struct itself lives until curl_loop_free().
 */

#include <assert.h>
#include <errno.h>

#include <utlist.h>

#include "base/mem.h"

struct curl_loop {
        uv_loop_t *loop;
        CURLM *multi; /* NULL: stopped */
        uv_timer_t timer;
        unsigned n_handles; /* libuv handles not yet closed */
        struct curl_transfer *transfers;
};

/* One socket that curl wants watched; it lives until libuv has closed the handle. */
struct socket {
        uv_poll_t poll;
        struct curl_loop *owner;
        curl_socket_t fd;
};

static struct curl_transfer *next_readable(struct curl_loop *l)
{
        struct curl_transfer *t;

        DL_FOREACH(l->transfers, t)
        if (t->readable)
                return t;
        return NULL;
}

static void deliver(struct curl_loop *l)
{
        struct curl_transfer *t;
        CURLMsg *message;
        int n_left;

        while (l->multi && (t = next_readable(l))) {
                t->readable = false;
                t->on_readable(t);
        }
        while (l->multi && (message = curl_multi_info_read(l->multi, &n_left))) {
                CURLcode result = message->data.result;

                if (message->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
                curl_transfer_remove(t); /* invalidates the message */
                t->on_done(t, result);
        }
}

static void act(struct curl_loop *l, curl_socket_t fd, int flags)
{
        int n_running;

        if (!l->multi)
                return;
        curl_multi_socket_action(l->multi, fd, flags, &n_running);
        deliver(l);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
        struct socket *s = container_of(poll, struct socket, poll);
        int flags = status < 0 ? CURL_CSELECT_ERR : 0;

        flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
        flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
        act(s->owner, s->fd, flags);
}

static void on_timeout(uv_timer_t *timer)
{
        act(container_of(timer, struct curl_loop, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_closed(uv_handle_t *handle)
{
        struct socket *s = container_of((uv_poll_t *)handle, struct socket, poll);

        s->owner->n_handles--;
        free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
        container_of((uv_timer_t *)handle, struct curl_loop, timer)->n_handles--;
}

/* Stops watching at once, as the descriptor is closed when this returns; the handle goes later. */
static void socket_close(struct curl_loop *l, struct socket *s, curl_socket_t fd)
{
        if (!s)
                return;
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_socket_closed);
        curl_multi_assign(l->multi, fd, NULL);
}

static struct socket *socket_open(struct curl_loop *l, curl_socket_t fd)
{
        struct socket *s = xcalloc(1, sizeof(*s));

        if (uv_poll_init_socket(l->loop, &s->poll, fd) < 0) {
                free(s);
                return NULL;
        }
        s->owner = l;
        s->fd = fd;
        l->n_handles++;
        curl_multi_assign(l->multi, fd, s);
        return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
        struct curl_loop *l = userdata;
        struct socket *s = socket_data;
        int events = 0;

        if (what == CURL_POLL_REMOVE) {
                socket_close(l, s, fd);
                return 0;
        }
        if (!s)
                s = socket_open(l, fd);
        if (!s)
                return -1;
        events |= what & CURL_POLL_IN ? UV_READABLE : 0;
        events |= what & CURL_POLL_OUT ? UV_WRITABLE : 0;
        return uv_poll_start(&s->poll, events, on_ready) < 0 ? -1 : 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *userdata)
{
        struct curl_loop *l = userdata;

        if (timeout_ms < 0)
                uv_timer_stop(&l->timer);
        else
                uv_timer_start(&l->timer, on_timeout, (uint64_t)timeout_ms, 0);
        return 0;
}

int curl_loop_new(uv_loop_t *loop, struct curl_loop **ret_loop)
{
        struct curl_loop *l = xcalloc(1, sizeof(*l));

        l->loop = loop;
        l->multi = curl_multi_init();
        if (!l->multi)
                out_of_memory();
        uv_timer_init(loop, &l->timer);
        l->n_handles = 1;
        curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
        curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
        curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
        curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, 16L);
        *ret_loop = l;
        return 0;
}

void curl_loop_stop(struct curl_loop *l)
{
        CURLM *multi = l->multi;

        if (!multi)
                return;
        assert(!l->transfers);
        curl_multi_cleanup(multi);
        l->multi = NULL;
        uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

void curl_loop_free(struct curl_loop *l)
{
        if (!l)
                return;
        assert(!l->multi && l->n_handles == 0);
        free(l);
}

int curl_transfer_add(struct curl_loop *l, struct curl_transfer *t)
{
        if (!l->multi)
                return -ECANCELED;
        assert(!t->curl_loop);
        curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
        if (curl_multi_add_handle(l->multi, t->easy) != CURLM_OK)
                out_of_memory(); /* the only failure that a handle of our own can meet */
        t->curl_loop = l;
        t->readable = false;
        DL_APPEND(l->transfers, t);
        return 0;
}

void curl_transfer_remove(struct curl_transfer *t)
{
        struct curl_loop *l = t->curl_loop;

        if (!l)
                return;
        DL_DELETE(l->transfers, t);
        t->curl_loop = NULL;
        curl_multi_remove_handle(l->multi, t->easy);
}

void curl_transfer_readable(struct curl_transfer *t)
{
        t->readable = t->on_readable != NULL;
}
