/* One session of the load: it sets itself up, sends frame after frame and checks what comes back.
 *
 * What lives here: the faces as a client speaks them (`caller.py` in C), connecting many with a gate.
 * What never will: windows, processor time. */

#ifndef HOLDFAST_SESSION_H
#define HOLDFAST_SESSION_H

#include "check.h"
#include "figures.h"
#include "socket.h"

enum face { JSON, JSON_RESUME, IN_BINARY, PAGE };

enum face face_of(const char *name);

/* What all sessions of a measurement share, and count together. */
struct load {
    enum face face;
    struct address address;
    size_t frame_bytes;
    int frame_ms;
    struct faults faults;
    struct histogram rtt, late;
    struct troubles troubles;
    uint64_t sent, received;   /* messages with sound */
    uint64_t refused, failed;  /* handshakes told to come again; sessions that ended before they were ready */
    uint64_t ready;            /* sessions that have become ready */
};

enum state { AWAY, COMING, READY, LEAVING };

#define IN_FLIGHT 512 /* frames that may be unanswered: ten seconds of the shortest */

struct session {
    struct end end; /* first: the socket's pointer is ours */
    struct load *load;
    enum state state;
    bool is_talking;
    bool was_ready;       /* in its last connection */
    int64_t dialled_ns;
    int64_t again_ns;     /* not to be dialled before */
    int64_t count, acked; /* messages that count, see `counted`; -1: none counts yet */
    struct stream stream;
    int64_t sent_ns[IN_FLIGHT];
};

struct session *sessions_of(struct load *load, int count);
void session_dial(struct session *session);
void session_speak(struct session *session);
/* Hangs up. */
void session_leave(struct session *session);
/* Dials all, few at a time, until they are ready. */
void sessions_connect(struct session *sessions, int count);
void sessions_close(struct session *sessions, int count);
/* Whether standard input has said something, or ended; the loop must run meanwhile. */
bool parent_spoke(void);

#endif
