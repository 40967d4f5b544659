/* What of a WebSocket frame and of a flat JSON object is read without Python: pure functions over bounded bytes.
 *
 * What lives here: a frame's head (RFC 6455, 5.2), masking, the members of an object that holds no others (RFC 8259).
 * What never will: sockets, Python objects, an opinion. Whatever is unusual is answered with "not mine": picows and
 * msgspec read it then, and what they say of it holds. So this may know less than they do, but never something else.
 */
#ifndef HOLDFAST_FRAMES_H
#define HOLDFAST_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wide.h"

enum { HF_TEXT = 1, HF_BINARY = 2 };
enum { HF_HEAD_MAX = 14, HF_MASK = 4 };

typedef struct {
    size_t head;     /* bytes before the payload, mask included */
    uint64_t size;   /* bytes of the payload */
    uint8_t opcode;
    uint8_t is_whole;  /* fin is set, no reserved bit, and its length is written as short as can be */
    uint8_t is_final;
    uint8_t is_masked;
    uint8_t mask[HF_MASK];
} hf_frame;

/* Reads a head. 1: read; 0: more bytes are needed to know it. */
static inline int hf_read_head(const uint8_t *at, size_t there, hf_frame *frame) {
    if (there < 2) return 0;
    size_t head = 2;
    uint64_t size = at[1] & 0x7f;
    if (size == 126) {
        if (there < 4) return 0;
        size = ((uint64_t)at[2] << 8) | at[3];
        head = 4;
    } else if (size == 127) {
        if (there < 10) return 0;
        size = 0;
        for (int i = 2; i < 10; i++) size = (size << 8) | at[i];
        head = 10;
    }
    frame->is_masked = at[1] >> 7;
    if (frame->is_masked) {
        if (there < head + HF_MASK) return 0;
        memcpy(frame->mask, at + head, HF_MASK);
        head += HF_MASK;
    }
    frame->head = head;
    frame->size = size;
    frame->opcode = at[0] & 0x0f;
    frame->is_final = at[0] >> 7;
    int is_short = (at[1] & 0x7f) < 126 || ((at[1] & 0x7f) == 126 ? size >= 126 : size > 0xffff);
    frame->is_whole = (at[0] & 0xf0) == 0x80 && is_short;
    return 1;
}

/* Writes a head before `size` bytes of payload; a mask follows it where `mask` is given. Answers its length. */
static inline size_t hf_write_head(uint8_t *to, uint8_t opcode, size_t size, const uint8_t *mask) {
    size_t head = 2;
    uint8_t masked = mask ? 0x80 : 0;
    to[0] = 0x80 | opcode;
    if (size < 126) {
        to[1] = masked | (uint8_t)size;
    } else if (size < 65536) {
        to[1] = masked | 126;
        to[2] = (uint8_t)(size >> 8);
        to[3] = (uint8_t)size;
        head = 4;
    } else {
        to[1] = masked | 127;
        for (int i = 0; i < 8; i++) to[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        head = 10;
    }
    if (mask) {
        memcpy(to + head, mask, HF_MASK);
        head += HF_MASK;
    }
    return head;
}

#ifdef HF_WIDE
/* Copies under a mask what there is of thirty-two bytes and thirty-two more; answers how many they were. */
HF_WIDE size_t hf_mask_wide(uint8_t *to, const uint8_t *from, size_t size, const uint8_t mask[HF_MASK]) {
    int32_t four;
    memcpy(&four, mask, HF_MASK);
    const __m256i wide = _mm256_set1_epi32(four);
    size_t i = 0;
    for (; i + 32 <= size; i += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(from + i));
        _mm256_storeu_si256((__m256i *)(to + i), _mm256_xor_si256(bytes, wide));
    }
    return i;
}
#endif

/* Copies `size` bytes under a mask, whose first byte belongs to the first of them. Masking undoes itself. */
static inline void hf_mask(uint8_t *to, const uint8_t *from, size_t size, const uint8_t mask[HF_MASK]) {
    uint64_t wide;
    uint8_t twice[8];
    memcpy(twice, mask, HF_MASK);
    memcpy(twice + HF_MASK, mask, HF_MASK);
    memcpy(&wide, twice, 8);
    size_t i = 0;
#ifdef HF_WIDE
    if (size >= 64 && HF_HAS_WIDE) i = hf_mask_wide(to, from, size, mask);
#endif
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    for (; i < size; i++) to[i] = from[i] ^ mask[i & 3];
}

typedef struct {
    const char *at; /* NULL: the object has no such member */
    size_t size;
} hf_span;

/* The members that a message of audio has in either direction. */
typedef struct {
    hf_span type, event_id, response_id, item_id;
    hf_span audio, delta;
    hf_span count;  /* `offset` of an acknowledgement: digits */
    int others;     /* how many members it has beside these */
} hf_event;

static inline int hf_is(hf_span span, const char *text, size_t size) {
    return span.size == size && memcmp(span.at, text, size) == 0;
}
#define HF_IS(span, text) hf_is((span), (text), sizeof(text) - 1)

/* Whether it is printable ASCII without a backslash: what stands in a string as it is. */
static inline int hf_is_plain(const char *at, size_t size) {
    uint8_t odd = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)at[i];
        odd |= (uint8_t)((c < 0x20) | (c > 0x7e) | (c == '\\'));
    }
    return !odd;
}

#ifdef HF_WIDE
/* How much of it is plain at the least, and has no quotation mark: all before the first that is otherwise, or all but
 * the last thirty-one bytes. */
HF_WIDE size_t hf_plain_wide(const char *at, size_t size) {
    size_t i = 0;
    for (; i + 32 <= size; i += 32) {
        __m256i c = _mm256_loadu_si256((const __m256i *)(at + i));
        __m256i ends = _mm256_or_si256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8('"')),
                                       _mm256_cmpeq_epi8(c, _mm256_set1_epi8('\\')));
        __m256i odd = _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), c), /* bytes above 0x7f are negative */
                                      _mm256_cmpeq_epi8(c, _mm256_set1_epi8(0x7f)));
        uint32_t found = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(ends, odd));
        if (found) return i + (size_t)__builtin_ctz(found);
    }
    return i;
}
#endif

static inline size_t hf_skip_space(const char *text, size_t size, size_t at) {
    while (at < size && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) at++;
    return at;
}

/* The string that opens at `at`; answers the place behind it, 0 for none that is plain. */
static inline size_t hf_string(const char *text, size_t size, size_t at, hf_span *found) {
    if (at >= size || text[at] != '"') return 0;
    const char *begins = text + at + 1, *from = begins;
#ifdef HF_WIDE
    if (HF_HAS_WIDE) from += hf_plain_wide(begins, size - at - 1);
#endif
    const char *ends = memchr(from, '"', size - (size_t)(from - text));
    if (!ends || !hf_is_plain(from, (size_t)(ends - from))) return 0;
    found->at = begins;
    found->size = (size_t)(ends - begins);
    return (size_t)(ends - text) + 1;
}

/* A whole number, true, false or null that begins at `at`; answers the place behind it, 0 for anything else. */
static inline size_t hf_word(const char *text, size_t size, size_t at) {
    static const struct { const char *text; size_t size; } words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    for (size_t i = 0; i < 3; i++)
        if (size - at >= words[i].size && memcmp(text + at, words[i].text, words[i].size) == 0)
            return at + words[i].size;
    if (text[at] == '-') at++;
    size_t first = at;
    while (at < size && text[at] >= '0' && text[at] <= '9') at++;
    if (at == first || (text[first] == '0' && at - first > 1)) return 0;
    if (at < size && (text[at] == '.' || text[at] == 'e' || text[at] == 'E')) return 0;
    return at;
}

static inline hf_span *hf_member(hf_event *event, hf_span key) {
    if (HF_IS(key, "type")) return &event->type;
    if (HF_IS(key, "event_id")) return &event->event_id;
    if (HF_IS(key, "response_id")) return &event->response_id;
    if (HF_IS(key, "item_id")) return &event->item_id;
    if (HF_IS(key, "audio")) return &event->audio;
    if (HF_IS(key, "delta")) return &event->delta;
    if (HF_IS(key, "offset")) return &event->count;
    return NULL;
}

/* Reads an object of strings, whole numbers and words; 0 for one that holds more, or a known member twice, or one
 * that is no string, or for what is no such object at all. */
static inline int hf_read_event(const char *text, size_t size, hf_event *event) {
    memset(event, 0, sizeof *event);
    size_t at = hf_skip_space(text, size, 0);
    if (at >= size || text[at] != '{') return 0;
    do {
        hf_span key, value = {NULL, 0};
        at = hf_string(text, size, hf_skip_space(text, size, at + 1), &key);
        if (!at) return 0;
        at = hf_skip_space(text, size, at);
        if (at >= size || text[at] != ':') return 0;
        at = hf_skip_space(text, size, at + 1);
        if (at >= size) return 0;
        hf_span *member = hf_member(event, key);
        size_t begins = at;
        int is_text = text[at] == '"';
        at = is_text ? hf_string(text, size, at, &value) : hf_word(text, size, at);
        if (!at) return 0;
        if (!member) {
            event->others++;
        } else if (member->at || is_text == (member == &event->count)) {
            return 0;
        } else {
            *member = value;
            if (!is_text) *member = (hf_span){text + begins, at - begins};
        }
        at = hf_skip_space(text, size, at);
        if (at >= size) return 0;
    } while (text[at] == ',');
    return text[at] == '}' && hf_skip_space(text, size, at + 1) == size && event->type.at != NULL;
}

/* The digits of a span as a number below 10^15; -1 for anything else. */
static inline int64_t hf_number(hf_span span) {
    int64_t number = 0;
    if (!span.at || span.size > 15) return -1;
    for (size_t i = 0; i < span.size; i++) {
        if (span.at[i] < '0' || span.at[i] > '9') return -1;
        number = number * 10 + (span.at[i] - '0');
    }
    return number;
}

#endif
