#define _GNU_SOURCE
#include "address.h"

#include "bytes.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

struct address address_of(const char *url)
{
    struct address found = {0};
    if (strncmp(url, "ws://", 5) != 0)
        die("%s: only ws:// can be dialled", url);
    const char *host = url + 5, *path = strchr(host, '/');
    size_t size = path ? (size_t)(path - host) : strlen(host);
    if (size >= sizeof found.host || (path && strlen(path) >= sizeof found.path))
        die("%s: too long", url);
    memcpy(found.host, host, size);
    strcpy(found.path, path ? path : "/");
    char name[sizeof found.host], *colon;
    strcpy(name, found.host);
    colon = strrchr(name, ':');
    if (colon)
        *colon = '\0';
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *first = NULL;
    int failed = getaddrinfo(name, colon ? colon + 1 : "80", &hints, &first);
    if (failed)
        die("%s: %s", found.host, gai_strerror(failed));
    memcpy(&found.to, first->ai_addr, sizeof found.to);
    freeaddrinfo(first);
    return found;
}
