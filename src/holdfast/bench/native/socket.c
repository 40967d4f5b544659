#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)
#define HEAD_BYTES (16 * 1024)
#define MESSAGE_BYTES (4 * 1024 * 1024)
#define UNSENT_BYTES (8 * 1024 * 1024)

static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* sending */

static void flush_out(struct end *end)
{
    while (end->out.size) {
        ssize_t gone = send(end->fd, end->out.at, end->out.size, MSG_NOSIGNAL);
        if (gone < 0) {
            if (errno == EAGAIN)
                return;
            end_cut(end, strerror(errno));
            return;
        }
        bytes_drop(&end->out, (size_t)gone);
    }
    loop_change(end->fd, &end->source, EPOLLIN);
}

static void send_raw(struct end *end, const void *from, size_t size)
{
    if (end->out.size) {
        bytes_add(&end->out, from, size);
        if (end->out.size > UNSENT_BYTES)
            end_cut(end, "it does not read");
        return;
    }
    ssize_t gone = send(end->fd, from, size, MSG_NOSIGNAL);
    if (gone < 0 && errno != EAGAIN) {
        end_cut(end, strerror(errno));
        return;
    }
    size_t done = gone > 0 ? (size_t)gone : 0;
    if (done < size) {
        bytes_add(&end->out, (const uint8_t *)from + done, size - done);
        loop_change(end->fd, &end->source, EPOLLIN | EPOLLOUT);
    }
}

static void mask_into(uint8_t *to, const uint8_t *from, size_t size, uint32_t mask)
{
    uint64_t wide = (uint64_t)mask << 32 | mask, word;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        memcpy(&word, from + at, 8);
        word ^= wide;
        memcpy(to + at, &word, 8);
    }
    uint8_t rest[4];
    memcpy(rest, &mask, 4);
    for (; at < size; at++)
        to[at] = from[at] ^ rest[at % 4];
}

void end_send(struct end *end, enum opcode opcode, const void *payload, size_t size)
{
    static struct bytes frame;
    static const uint8_t nothing[14];
    if (end->phase != OPEN && !(opcode == CLOSE && end->phase == CLOSING))
        return;
    uint8_t masked = end->is_server ? 0 : 0x80;
    frame.size = 0;
    bytes_add(&frame, nothing, sizeof nothing); /* the largest head there is */
    bytes_add(&frame, payload, size);
    uint8_t head[14];
    size_t length = 2;
    head[0] = (uint8_t)(0x80 | opcode);
    if (size < 126) {
        head[1] = (uint8_t)(masked | size);
    } else {
        length = size < 65536 ? 4 : 10;
        head[1] = masked | (length == 4 ? 126 : 127);
        for (size_t at = 2; at < length; at++)
            head[at] = (uint8_t)((uint64_t)size >> 8 * (length - 1 - at));
    }
    if (masked) {
        uint32_t mask = (uint32_t)chance();
        memcpy(head + length, &mask, 4);
        length += 4;
        mask_into(frame.at + sizeof nothing, frame.at + sizeof nothing, size, mask);
    }
    uint8_t *begin = frame.at + sizeof nothing - length;
    memcpy(begin, head, length);
    send_raw(end, begin, length + size);
}

/* the life of an end */

static void serve(struct source *source, uint32_t events);

static void begin(struct end *end, int fd, const struct listener *listener, bool is_server)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    end->source.ready = serve;
    end->listener = listener;
    end->fd = fd;
    end->is_server = is_server;
    end->status = 0;
    end->joining = 0;
    end->in.size = end->joined.size = end->out.size = 0;
}

void end_dial(struct end *end, const struct address *address, const struct listener *listener)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket: %s", strerror(errno));
    begin(end, fd, listener, false);
    uint64_t random[2] = {chance(), chance()};
    end->key[base64_encode((uint8_t *)random, sizeof random, end->key)] = '\0';
    end->phase = CONNECTING;
    loop_watch(fd, &end->source, EPOLLIN | EPOLLOUT);
    char head[2048];
    int size = snprintf(head, sizeof head,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
                        "Authorization: Bearer sk-bench\r\n\r\n",
                        address->path, address->host, end->key);
    bytes_add(&end->out, head, (size_t)size);
    if (connect(fd, (const struct sockaddr *)&address->to, sizeof address->to) < 0 && errno != EINPROGRESS)
        end_cut(end, strerror(errno));
}

void end_accept(struct end *end, int fd, const struct listener *listener)
{
    begin(end, fd, listener, true);
    end->phase = UPGRADING;
    loop_watch(fd, &end->source, EPOLLIN);
}

void end_close(struct end *end)
{
    static const uint8_t normally[2] = {1000 >> 8, 1000 & 255};
    if (end->phase != OPEN)
        return;
    end_send(end, CLOSE, normally, sizeof normally);
    if (end->phase == OPEN)
        end->phase = CLOSING;
}

void end_cut(struct end *end, const char *why)
{
    if (end->phase == SHUT)
        return;
    end->phase = SHUT;
    close(end->fd);
    end->listener->over(end, why);
}

void end_free(struct end *end)
{
    bytes_free(&end->in);
    bytes_free(&end->joined);
    bytes_free(&end->out);
}

/* handshakes */

static void accept_key(const char *key, char answer[32])
{
    char both[64];
    uint8_t digest[20];
    int size = snprintf(both, sizeof both, "%s%s", key, GUID);
    sha1(both, (size_t)size, digest);
    answer[base64_encode(digest, sizeof digest, answer)] = '\0';
}

/* The value of a header within a head that ends with a zero. */
static bool header(const char *head, const char *name, char *value, size_t room)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            continue;
        const char *from = line + size + 1;
        from += strspn(from, " \t");
        size_t length = strcspn(from, " \t\r");
        if (length >= room)
            return false;
        memcpy(value, from, length);
        value[length] = '\0';
        return true;
    }
    return false;
}

static bool upgraded_client(struct end *end, const char *head)
{
    char told[64], due[32], why[64];
    if (sscanf(head, "HTTP/1.1 %d", &end->status) != 1 || end->status != 101) {
        snprintf(why, sizeof why, "HTTP status %d", end->status);
        end_cut(end, why);
        return false;
    }
    accept_key(end->key, due);
    if (!header(head, "Sec-WebSocket-Accept", told, sizeof told) || strcmp(told, due) != 0) {
        end_cut(end, "a handshake that answers another");
        return false;
    }
    return true;
}

static bool upgraded_server(struct end *end, const char *head)
{
    static const char refused[] =
        "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    char key[26], answer[32], told[256];
    if (!header(head, "Sec-WebSocket-Key", key, sizeof key)) {
        send_raw(end, refused, sizeof refused - 1);
        end_cut(end, "no handshake");
        return false;
    }
    accept_key(key, answer);
    int size = snprintf(told, sizeof told,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        answer);
    send_raw(end, told, (size_t)size);
    return end->phase == UPGRADING;
}

/* The bytes of the head, or 0 while it is not whole. */
static size_t upgrade(struct end *end, uint8_t *at, size_t size)
{
    uint8_t *stop = memmem(at, size, "\r\n\r\n", 4);
    if (!stop) {
        if (size > HEAD_BYTES)
            end_cut(end, "a head that does not end");
        return 0;
    }
    stop[3] = '\0'; /* of a line end that nobody needs any more */
    bool is_done = end->is_server ? upgraded_server(end, (char *)at) : upgraded_client(end, (char *)at);
    if (!is_done)
        return 0;
    end->phase = OPEN;
    end->listener->open(end);
    return (size_t)(stop + 4 - at);
}

/* frames */

static void control(struct end *end, enum opcode opcode, uint8_t *payload, size_t size)
{
    char why[64];
    if (opcode == PING) {
        end_send(end, PONG, payload, size);
    } else if (opcode == CLOSE) {
        if (end->phase == OPEN)
            end_send(end, CLOSE, payload, size < 2 ? 0 : 2);
        snprintf(why, sizeof why, "closed with %d", size < 2 ? 1005 : payload[0] << 8 | payload[1]);
        if (end->is_server || end->phase == OPEN)
            end_cut(end, why);
        /* else: ours came first, and the server ends the connection */
    }
}

static void whole(struct end *end, enum opcode opcode, bool is_last, uint8_t *payload, size_t size)
{
    if (opcode >= CLOSE) {
        control(end, opcode, payload, size);
    } else if (opcode != CONTINUATION && is_last && !end->joining) {
        end->listener->message(end, opcode, payload, size);
    } else if ((opcode == CONTINUATION) != (end->joining != 0)) {
        end_cut(end, "fragments out of order");
    } else {
        if (opcode != CONTINUATION)
            end->joining = (uint8_t)opcode;
        bytes_add(&end->joined, payload, size);
        if (end->joined.size > MESSAGE_BYTES) {
            end_cut(end, "a message beyond its bound");
        } else if (is_last) {
            enum opcode joined = end->joining;
            end->joining = 0;
            end->listener->message(end, joined, end->joined.at, end->joined.size);
            end->joined.size = 0;
        }
    }
}

/* Takes one frame; answers its bytes, or 0 while it is not whole or when the connection is over. */
static size_t frame(struct end *end, uint8_t *at, size_t size)
{
    if (size < 2)
        return 0;
    enum opcode opcode = at[0] & 15;
    bool is_masked = at[1] & 0x80;
    uint64_t length = at[1] & 127;
    size_t head = 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (is_masked ? 4 : 0);
    bool is_known = opcode <= BINARY || (opcode >= CLOSE && opcode <= PONG);
    if ((at[0] & 0x70) || !is_known || is_masked != end->is_server || (opcode >= CLOSE && length > 125)) {
        end_cut(end, "a frame that is none");
        return 0;
    }
    if (size < head)
        return 0;
    if (length >= 126) {
        size_t bytes = length == 126 ? 2 : 8;
        length = 0;
        for (size_t which = 0; which < bytes; which++)
            length = length << 8 | at[2 + which];
    }
    if (length > MESSAGE_BYTES) {
        end_cut(end, "a frame beyond its bound");
        return 0;
    }
    if (size - head < length)
        return 0;
    if (is_masked) {
        uint32_t mask;
        memcpy(&mask, at + head - 4, 4);
        mask_into(at + head, at + head, length, mask);
    }
    whole(end, opcode, at[0] & 0x80, at + head, length);
    return head + length;
}

/* Takes what is whole; answers how many bytes that were. */
static size_t take(struct end *end, uint8_t *at, size_t size)
{
    size_t taken = 0;
    while (taken < size && end->phase != SHUT) {
        size_t one = end->phase == UPGRADING ? upgrade(end, at + taken, size - taken)
                                             : frame(end, at + taken, size - taken);
        if (!one)
            break;
        taken += one;
    }
    return taken;
}

static void receive(struct end *end)
{
    static uint8_t fresh[READ_BYTES];
    ssize_t got = recv(end->fd, fresh, sizeof fresh, 0);
    if (got <= 0) {
        if (got == 0)
            end_cut(end, end->phase == CLOSING ? "closed" : "ended without a close");
        else if (errno != EAGAIN)
            end_cut(end, strerror(errno));
        return;
    }
    size_t size = (size_t)got;
    if (end->in.size) {
        bytes_add(&end->in, fresh, size);
        size_t taken = take(end, end->in.at, end->in.size);
        if (end->phase != SHUT)
            bytes_drop(&end->in, taken);
    } else {
        size_t taken = take(end, fresh, size);
        if (end->phase != SHUT && taken < size)
            bytes_add(&end->in, fresh + taken, size - taken);
    }
}

static void connected(struct end *end)
{
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(end->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed) {
        end_cut(end, strerror(failed));
        return;
    }
    end->phase = UPGRADING;
}

static void serve(struct source *source, uint32_t events)
{
    struct end *end = (struct end *)source;
    if (end->phase == CONNECTING)
        connected(end);
    if (end->phase != SHUT && (events & EPOLLOUT))
        flush_out(end);
    if (end->phase != SHUT && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        receive(end);
}
