/* One end of a WebSocket (RFC 6455), client or server.
 *
 * What lives here: dialling, both handshakes, frames, fragments, masks, pings, closing; bounds of all of it.
 * What never will: what a message means. */

#ifndef HOLDFAST_SOCKET_H
#define HOLDFAST_SOCKET_H

#include "address.h"
#include "bytes.h"
#include "loop.h"

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

enum phase { SHUT, CONNECTING, UPGRADING, OPEN, CLOSING };

struct end;

struct listener {
    void (*open)(struct end *end);
    void (*message)(struct end *end, enum opcode opcode, uint8_t *payload, size_t size);
    /* Called once for each connection; `why` says how it ended in a few words. It must not dial again at once. */
    void (*over)(struct end *end, const char *why);
};

/* One end. All zeros is a shut one; it may be used for one connection after the other. */
struct end {
    struct source source; /* first: the loop's pointer is ours */
    const struct listener *listener;
    int fd;
    enum phase phase;
    bool is_server;
    int status;      /* of the answer to a client's handshake; 0 before */
    char key[25];    /* of a client's handshake */
    uint8_t joining; /* opcode of a message of which fragments have come */
    struct bytes in, joined, out;
};

void end_dial(struct end *end, const struct address *address, const struct listener *listener);
void end_accept(struct end *end, int fd, const struct listener *listener);
void end_send(struct end *end, enum opcode opcode, const void *payload, size_t size);
/* Begins the closing handshake; a client waits for the server to end the connection. */
void end_close(struct end *end);
/* Ends the connection now, and says so to its listener. Twice is harmless. What it keeps serves the next one. */
void end_cut(struct end *end, const char *why);
void end_free(struct end *end);

#endif
