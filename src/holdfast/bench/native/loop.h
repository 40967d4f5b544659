/* The loop of the one thread: what is ready, and what the time is until then.
 *
 * What lives here: epoll. What never will: sockets. */

#ifndef HOLDFAST_LOOP_H
#define HOLDFAST_LOOP_H

#include <stdint.h>

/* Something the loop watches. It must outlive the turn of the loop in which it ends. */
struct source {
    void (*ready)(struct source *source, uint32_t events);
};

void loop_open(void);
void loop_watch(int fd, struct source *source, uint32_t events);
void loop_forget(int fd);
void loop_change(int fd, struct source *source, uint32_t events);
/* Carries out what has come, or comes until then. */
void loop_turn(int64_t until_ns);

#endif
