#define _GNU_SOURCE
#include "loop.h"

#include "bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256

static int epoll = -1;

void loop_open(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll: %s", strerror(errno));
}

static bool watch(int operation, int fd, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(epoll, operation, fd, &event) == 0;
}

void loop_watch(int fd, struct source *source, uint32_t events)
{
    if (watch(EPOLL_CTL_ADD, fd, source, events))
        return;
    if (errno != EPERM) /* an ordinary file is always ready: what it tells is told at once */
        die("epoll: %s", strerror(errno));
    source->ready(source, EPOLLIN);
}

void loop_forget(int fd)
{
    watch(EPOLL_CTL_DEL, fd, NULL, 0);
}

void loop_change(int fd, struct source *source, uint32_t events)
{
    if (!watch(EPOLL_CTL_MOD, fd, source, events))
        die("epoll: %s", strerror(errno));
}

static int waited(struct epoll_event *events, int64_t left_ns)
{
#ifdef SYS_epoll_pwait2
    static bool is_coarse;
    if (!is_coarse) {
        struct timespec left = {left_ns / NS_PER_S, left_ns % NS_PER_S};
        int count = (int)syscall(SYS_epoll_pwait2, epoll, events, EVENTS, &left, NULL, 0);
        if (count >= 0 || errno != ENOSYS)
            return count;
        is_coarse = true; /* kernels before 5.11 count milliseconds */
    }
#endif
    return epoll_wait(epoll, events, EVENTS, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
}

void loop_turn(int64_t until_ns)
{
    struct epoll_event events[EVENTS];
    int64_t left = until_ns - now_ns();
    int count = waited(events, left > 0 ? left : 0);
    if (count < 0 && errno != EINTR)
        die("epoll: %s", strerror(errno));
    for (int at = 0; at < count; at++) {
        struct source *source = events[at].data.ptr;
        source->ready(source, events[at].events);
    }
}
