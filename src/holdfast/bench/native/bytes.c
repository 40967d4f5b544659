#define _GNU_SOURCE
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* buffers */

void bytes_add(struct bytes *bytes, const void *from, size_t size)
{
    if (size > bytes->room - bytes->size) {
        size_t room = bytes->room ? bytes->room : 1024;
        while (room - bytes->size < size)
            room *= 2;
        bytes->at = realloc(bytes->at, room);
        if (!bytes->at)
            die("out of memory");
        bytes->room = room;
    }
    if (size)
        memcpy(bytes->at + bytes->size, from, size);
    bytes->size += size;
}

void bytes_drop(struct bytes *bytes, size_t size)
{
    bytes->size -= size;
    if (bytes->size && size)
        memmove(bytes->at, bytes->at + size, bytes->size);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

/* base64 (RFC 4648), two characters at a time */

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static char pairs[4096][2];
static int8_t values[256];

static void base64_prepare(void)
{
    if (pairs[0][0])
        return;
    memset(values, -1, sizeof values);
    for (int at = 0; at < 64; at++)
        values[(uint8_t)ALPHABET[at]] = (int8_t)at;
    for (int at = 0; at < 4096; at++) {
        pairs[at][0] = ALPHABET[at >> 6];
        pairs[at][1] = ALPHABET[at & 63];
    }
}

size_t base64_room(size_t size)
{
    return (size + 2) / 3 * 4;
}

size_t base64_encode(const uint8_t *from, size_t size, char *to)
{
    base64_prepare();
    char *begin = to;
    for (; size >= 3; from += 3, size -= 3, to += 4) {
        uint32_t three = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        memcpy(to, pairs[three >> 12], 2);
        memcpy(to + 2, pairs[three & 4095], 2);
    }
    if (size) {
        uint32_t last = (uint32_t)from[0] << 16 | (size == 2 ? (uint32_t)from[1] << 8 : 0);
        memcpy(to, pairs[last >> 12], 2);
        to[2] = size == 2 ? ALPHABET[last >> 6 & 63] : '=';
        to[3] = '=';
        to += 4;
    }
    return (size_t)(to - begin);
}

ptrdiff_t base64_decode(const uint8_t *from, size_t size, uint8_t *to)
{
    base64_prepare();
    if (size % 4)
        return -1;
    uint8_t *begin = to;
    size_t padded = size && from[size - 1] == '=' ? 1 + (from[size - 2] == '=') : 0;
    const uint8_t *whole = from + (padded ? size - 4 : size);
    for (; from < whole; from += 4, to += 3) {
        int a = values[from[0]], b = values[from[1]], c = values[from[2]], d = values[from[3]];
        if ((a | b | c | d) < 0)
            return -1;
        uint32_t three = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | (uint32_t)d;
        to[0] = (uint8_t)(three >> 16);
        to[1] = (uint8_t)(three >> 8);
        to[2] = (uint8_t)three;
    }
    if (padded) {
        int a = values[from[0]], b = values[from[1]], c = padded == 1 ? values[from[2]] : 0;
        if ((a | b | c) < 0)
            return -1;
        *to++ = (uint8_t)(a << 2 | b >> 4);
        if (padded == 1)
            *to++ = (uint8_t)(b << 4 | c >> 2);
    }
    return to - begin;
}

/* SHA-1 (RFC 3174), which the WebSocket handshake asks for */

static uint32_t rotated(uint32_t word, int by)
{
    return word << by | word >> (32 - by);
}

static void sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 80; t++)
        w[t] = rotated(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int t = 0; t < 80; t++) {
        uint32_t mixed = t < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                         : t < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                         : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                  : (b ^ c ^ d) + 0xCA62C1D6;
        uint32_t next = rotated(a, 5) + mixed + e + w[t];
        e = d, d = c, c = rotated(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

void sha1(const void *from, size_t size, uint8_t digest[20])
{
    uint8_t padded[128] = {0};
    if (size > 119)
        die("sha1 of %zu bytes", size);
    memcpy(padded, from, size);
    padded[size] = 0x80;
    size_t blocks = size < 56 ? 1 : 2;
    padded[64 * blocks - 2] = (uint8_t)(size * 8 >> 8);
    padded[64 * blocks - 1] = (uint8_t)(size * 8);
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    for (size_t at = 0; at < blocks; at++)
        sha1_block(state, padded + 64 * at);
    for (int at = 0; at < 20; at++)
        digest[at] = (uint8_t)(state[at / 4] >> (24 - at % 4 * 8));
}

/* JSON, as far as strings at the top of an object */

bool text_is(struct text text, const char *word)
{
    size_t size = strlen(word);
    return text.at && text.size == size && memcmp(text.at, word, size) == 0;
}

static const uint8_t *blank(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* The quote that ends the string whose first character is at `at`; NULL where none does. */
static const uint8_t *closing(const uint8_t *at, const uint8_t *end)
{
    for (const uint8_t *from = at; from < end;) {
        const uint8_t *quote = memchr(from, '"', (size_t)(end - from));
        if (!quote)
            return NULL;
        size_t slashes = 0;
        while (quote - slashes > at && quote[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return quote;
        from = quote + 1;
    }
    return NULL;
}

/* What follows a value that is not looked at; NULL where it does not end. */
static const uint8_t *past(const uint8_t *at, const uint8_t *end)
{
    int depth = 0;
    for (; at < end; at++) {
        if (*at == '"') {
            at = closing(at + 1, end);
            if (!at)
                return NULL;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (depth && (*at == '}' || *at == ']')) {
            depth--;
        } else if (!depth && (*at == ',' || *at == '}')) {
            return at;
        }
    }
    return NULL;
}

bool json_strings(const uint8_t *from, size_t size, const char *const *names, struct text *found, int count)
{
    const uint8_t *end = from + size, *at = blank(from, end);
    int missing = count;
    for (int which = 0; which < count; which++)
        found[which] = (struct text){0};
    if (at == end || *at != '{')
        return false;
    at = blank(at + 1, end);
    while (missing && at < end && *at == '"') {
        const uint8_t *name = at + 1, *quote = closing(name, end);
        if (!quote)
            return false;
        struct text key = {name, (size_t)(quote - name)};
        at = blank(quote + 1, end);
        if (at == end || *at != ':')
            return false;
        at = blank(at + 1, end);
        if (at < end && *at == '"') {
            const uint8_t *value = at + 1;
            quote = closing(value, end);
            if (!quote)
                return false;
            for (int which = 0; which < count; which++)
                if (!found[which].at && text_is(key, names[which])) {
                    found[which] = (struct text){value, (size_t)(quote - value)};
                    missing--;
                }
            at = blank(quote + 1, end);
        } else {
            at = past(at, end);
            if (!at)
                return false;
        }
        if (at < end && *at == ',')
            at = blank(at + 1, end);
    }
    return !missing || (at < end && *at == '}');
}

/* chance (splitmix64) */

uint64_t chance(void)
{
    static uint64_t state;
    if (!state)
        state = (uint64_t)now_ns();
    uint64_t word = state += 0x9E3779B97F4A7C15;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9;
    word = (word ^ word >> 27) * 0x94D049BB133111EB;
    return word ^ word >> 31;
}
