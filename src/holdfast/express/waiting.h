/* One wait for audio and for all else: a loop of libuv (uvloop's) whose own wait would come between two messages.
 *
 * What lives here: staying between two rounds of the loop, by libuv's public functions, as long as it has nothing to do.
 * What never will: Python objects, reading sockets, a deadline of its own.
 *
 * While it is on, the loop polls without waiting (an idle handle is active) and we wait in its place, in an epoll that
 * holds its descriptor beside those of the audio: libuv was made to be embedded so (uv_backend_fd, uv_backend_timeout).
 * A message then costs a wait, a read and a write, as in a proxy, and not a round of the loop above that.
 */
#ifndef HOLDFAST_WAITING_H
#define HOLDFAST_WAITING_H

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum { HF_READY = 256 };
enum { HF_UV_CHECK = 2, HF_UV_IDLE = 6 };      /* of uv_handle_type, which is part of libuv's ABI */
enum { HF_UV_LEAST = (1 << 16) | (48 << 8) };  /* from then on uv_backend_timeout knows of what is not yet polled */

typedef void (*hf_uv_call)(void *handle);

typedef struct hf_wait {
    void *loop, *check, *idle;
    int epoll;
    int is_on;
    void *whose;
    int (*take)(void *whose, struct epoll_event *ready, int count); /* whether to stay */
    struct epoll_event ready[HF_READY];
} hf_wait;

static struct {
    unsigned (*version)(void);
    size_t (*handle_size)(int type);
    int (*check_init)(void *loop, void *check);
    int (*check_start)(void *check, hf_uv_call call);
    int (*check_stop)(void *check);
    int (*idle_init)(void *loop, void *idle);
    int (*idle_start)(void *idle, hf_uv_call call);
    int (*idle_stop)(void *idle);
    void (*close)(void *handle, hf_uv_call call);
    int (*backend_fd)(const void *loop);
    int (*backend_timeout)(const void *loop);
    void (*update_time)(void *loop);
} hf_uv;

/* Finds the functions in the library that is loaded already; 0 where it does not show them, or is too old. */
static int hf_uv_find(const char *library) {
    static const struct { void *to; const char *name; } wanted[] = {
        {&hf_uv.version, "uv_version"},         {&hf_uv.handle_size, "uv_handle_size"},
        {&hf_uv.check_init, "uv_check_init"},   {&hf_uv.check_start, "uv_check_start"},
        {&hf_uv.check_stop, "uv_check_stop"},   {&hf_uv.idle_init, "uv_idle_init"},
        {&hf_uv.idle_start, "uv_idle_start"},   {&hf_uv.idle_stop, "uv_idle_stop"},
        {&hf_uv.close, "uv_close"},             {&hf_uv.backend_fd, "uv_backend_fd"},
        {&hf_uv.update_time, "uv_update_time"}, {&hf_uv.backend_timeout, "uv_backend_timeout"},
    };
    void *found = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    if (!found) return 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *symbol = dlsym(found, wanted[i].name);
        if (!symbol) return 0;
        *(void **)wanted[i].to = symbol;
    }
    return hf_uv.version() >= HF_UV_LEAST;
}

static long long hf_now_ms(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000LL + at.tv_nsec / 1000000;
}

static void hf_idle(void *handle) { (void)handle; }

/* Whose a check handle is stands behind it: its `data` is uvloop's to look at. */
static hf_wait *hf_wait_of(void *check) { return *(hf_wait **)((char *)check + hf_uv.handle_size(HF_UV_CHECK)); }

/* After the loop has polled: everything is asked for, and it says for how long it has nothing to do. */
static void hf_stay(void *check) {
    hf_wait *wait = hf_wait_of(check);
    hf_uv.idle_stop(wait->idle);
    int ms = hf_uv.backend_timeout(wait->loop);
    hf_uv.idle_start(wait->idle, hf_idle);
    long long until = ms < 0 ? -1 : hf_now_ms() + ms;
    while (ms && wait->is_on) {
        int count = epoll_wait(wait->epoll, wait->ready, HF_READY, ms);
        if (count <= 0) return;
        hf_uv.update_time(wait->loop);
        if (!wait->take(wait->whose, wait->ready, count)) return;
        if (until >= 0 && (ms = (int)(until - hf_now_ms())) < 0) return;
    }
}

/* Off at first; NULL where there is no memory. */
static hf_wait *hf_wait_new(void *loop, int epoll, void *whose, int (*take)(void *, struct epoll_event *, int)) {
    hf_wait *wait = calloc(1, sizeof *wait);
    if (!wait) return NULL;
    wait->loop = loop;
    wait->epoll = epoll;
    wait->whose = whose;
    wait->take = take;
    wait->check = calloc(1, hf_uv.handle_size(HF_UV_CHECK) + sizeof wait);
    wait->idle = calloc(1, hf_uv.handle_size(HF_UV_IDLE));
    if (!wait->check || !wait->idle) {
        free(wait->check);
        free(wait->idle);
        free(wait);
        return NULL;
    }
    *(hf_wait **)((char *)wait->check + hf_uv.handle_size(HF_UV_CHECK)) = wait;
    hf_uv.check_init(loop, wait->check);
    hf_uv.idle_init(loop, wait->idle);
    return wait;
}

/* Twice is harmless. */
static void hf_wait_switch(hf_wait *wait, int is_on) {
    struct epoll_event backend = {.events = EPOLLIN, .data.fd = hf_uv.backend_fd(wait->loop)};
    if (is_on == wait->is_on) return;
    wait->is_on = is_on;
    if (is_on) {
        epoll_ctl(wait->epoll, EPOLL_CTL_ADD, backend.data.fd, &backend);
        hf_uv.check_start(wait->check, hf_stay);
        hf_uv.idle_start(wait->idle, hf_idle);
    } else {
        epoll_ctl(wait->epoll, EPOLL_CTL_DEL, backend.data.fd, &backend);
        hf_uv.check_stop(wait->check);
        hf_uv.idle_stop(wait->idle);
    }
}

static void hf_closed(void *check) {
    free(hf_wait_of(check));
    free(check);
}

/* For good. The memory goes when the loop is in no function of theirs any more. */
static void hf_wait_close(hf_wait *wait) {
    hf_wait_switch(wait, 0);
    hf_uv.close(wait->idle, free);
    hf_uv.close(wait->check, hf_closed);
}

#endif
