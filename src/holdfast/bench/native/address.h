/* Addresses of WebSockets.
 *
 * What lives here: reading one, once. What never will: connecting. */

#ifndef HOLDFAST_ADDRESS_H
#define HOLDFAST_ADDRESS_H

#include <netinet/in.h>

/* Where a client connects: `ws://HOST[:PORT]/PATH`. */
struct address {
    struct sockaddr_in to;
    char host[256];
    char path[1024];
};

struct address address_of(const char *url); /* dies where that is none */

#endif
