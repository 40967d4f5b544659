/* An upstream that answers every frame with the same frame: just enough of the Realtime dialect that a session
 * starts, and one endless response (`echo.py` in C). Any number of gateways may connect. */

#define _GNU_SOURCE
#include "frames.h"
#include "loop.h"
#include "session.h"
#include "tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAITING 4096 /* connections that the kernel keeps for us */

struct caller {
    struct end end; /* first: the socket's pointer is ours */
    struct caller *next;
};

static volatile struct counts *counts;
static struct caller *gone; /* for the next: the loop may still hold a pointer to the one that went last */

static void tell(struct end *end, const char *message)
{
    end_send(end, TEXT, message, strlen(message));
    counts->sent++;
}

static void opened(struct end *end)
{
    tell(end, SESSION_CREATED);
}

static void came(struct end *end, enum opcode opcode, uint8_t *payload, size_t size)
{
    static const char *const names[] = {"type", "audio"};
    static struct bytes delta;
    struct text found[2];
    counts->received++;
    if (opcode != TEXT || !json_strings(payload, size, names, found, 2)) {
        end_cut(end, "no JSON");
    } else if (text_is(found[0], "input_audio_buffer.append")) {
        delta_into(&delta, found[1]);
        end_send(end, TEXT, delta.at, delta.size);
        counts->sent++;
    } else if (text_is(found[0], "session.update")) {
        tell(end, SESSION_UPDATED);
        tell(end, RESPONSE_CREATED);
    }
}

static void over(struct end *end, const char *why)
{
    struct caller *caller = (struct caller *)end;
    (void)why;
    caller->next = gone;
    gone = caller;
}

static const struct listener LISTENER = {opened, came, over};

struct door {
    struct source source;
    int fd;
};

static void knocked(struct source *source, uint32_t events)
{
    int listening = ((struct door *)source)->fd, fd;
    (void)events;
    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct caller *caller = gone;
        if (caller)
            gone = caller->next;
        else if (!(caller = calloc(1, sizeof *caller)))
            die("out of memory");
        end_accept(&caller->end, fd, &LISTENER);
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        die("accept: %s", strerror(errno));
}

void echo(const struct options *options)
{
    struct door door = {.source = {knocked}};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    socklen_t size = sizeof here;
    static struct counts uncounted;
    int on = 1;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    counts = counts_map(options->counts, true);
    if (!counts)
        counts = &uncounted;
    door.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(door.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (door.fd < 0 || bind(door.fd, (struct sockaddr *)&here, size) < 0 || listen(door.fd, WAITING) < 0 ||
        getsockname(door.fd, (struct sockaddr *)&here, &size) < 0)
        die("port %d: %s", options->port, strerror(errno));
    loop_watch(door.fd, &door.source, EPOLLIN);
    printf("{\"port\":%d}\n", ntohs(here.sin_port));
    fflush(stdout);
    while (!parent_spoke())
        loop_turn(now_ns() + NS_PER_S);
    while (gone) {
        struct caller *caller = gone;
        gone = caller->next;
        end_free(&caller->end);
        free(caller);
    }
}
