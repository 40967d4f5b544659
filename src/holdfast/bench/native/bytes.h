/* Bytes: buffers that grow, base64, SHA-1, the strings of a JSON object, chance, the clock.
 *
 * What lives here: what needs no socket. What never will: what the bytes mean. */

#ifndef HOLDFAST_BYTES_H
#define HOLDFAST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL

/* Prints what went wrong and ends the process: its parent tells the user. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t now_ns(void);

/* A buffer that grows; all zeros is an empty one. */
struct bytes {
    uint8_t *at;
    size_t size, room;
};

void bytes_add(struct bytes *bytes, const void *from, size_t size);
void bytes_drop(struct bytes *bytes, size_t size); /* from its front */
void bytes_free(struct bytes *bytes);

/* Characters that `size` bytes need. */
size_t base64_room(size_t size);
size_t base64_encode(const uint8_t *from, size_t size, char *to);
/* Answers how many bytes, or -1 where that is no base64. `to` has room for 3 bytes of each 4 characters. */
ptrdiff_t base64_decode(const uint8_t *from, size_t size, uint8_t *to);

void sha1(const void *from, size_t size, uint8_t digest[20]); /* of at most 119 bytes */

/* A string within JSON, as it stands there: escapes are not resolved. */
struct text {
    const uint8_t *at; /* NULL: not there */
    size_t size;
};

bool text_is(struct text text, const char *word);
/* The strings that stand in an object under `names`; false where it is no object. Stops when all are found. */
bool json_strings(const uint8_t *from, size_t size, const char *const *names, struct text *found, int count);

uint64_t chance(void); /* 64 even bits, seeded by the clock */

#endif
