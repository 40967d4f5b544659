/* Base64 (RFC 4648, 4) between bounded memory, in the strict form: no line breaks, padding where it is due.
 *
 * What lives here: thirty-two characters at a time where the processor can, one group after another elsewhere.
 * What never will: leniency. What is not decoded here is decoded, or refused, by the library that Python uses.
 */
#ifndef HOLDFAST_BASE64_H
#define HOLDFAST_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "wide.h"

static const char hf_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline size_t hf_encoded_size(size_t size) { return (size + 2) / 3 * 4; }

/* The six bits of a character; -1 for one that has none. */
static inline int hf_six(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What to add to six bits, by their kind. */
#define HF_LETTER 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, \
                  '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0
/* By a character's high half: its class, in which some low halves are no letters, and what to add to have six bits.
 * One class each for the signs, the digits, both first and both second halves of the alphabets; the last is all else.
 */
#define HF_CLASS 16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16, 16, 16, 16, 16
#define HF_ADDED 0, 63 - '/', 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0
/* By its low half: the classes in which it is none. */
#define HF_NONE 21, 17, 17, 17, 17, 17, 17, 17, 17, 17, 19, 26, 27, 27, 27, 26
/* Four groups of three bytes, as they are to stand. */
#define HF_ORDER 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1

#ifdef HF_WIDE
/* Twenty-four bytes are thirty-two characters, again and again; answers how many bytes it took. */
HF_WIDE size_t hf_encode_wide(uint8_t *to, const uint8_t *from, size_t size) {
    size_t taken = 0;
    for (; size - taken >= 24; taken += 24, to += 32) {
        /* twelve bytes for each half: its first, and the last of those that begin eight later */
        __m256i in = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(from + taken))),
                                             _mm_loadu_si128((const __m128i *)(from + taken + 8)), 1);
        /* in each lane of 32 bits the three bytes of a group, the middle one twice */
        in = _mm256_shuffle_epi8(in, _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,
                                                      5, 4, 6, 5, 8, 7, 9, 8, 11, 10, 12, 11, 14, 13, 15, 14));
        /* shifts that differ from lane to lane are multiplications */
        __m256i high = _mm256_mulhi_epu16(_mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00)),
                                          _mm256_set1_epi32(0x04000040));
        __m256i low = _mm256_mullo_epi16(_mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0)),
                                         _mm256_set1_epi32(0x01000010));
        __m256i six = _mm256_or_si256(high, low);
        /* what to add to get the letter: 13 for A to Z, 0 for a to z, 1 to 10 for digits, 11 and 12 for the signs */
        __m256i kind = _mm256_subs_epu8(six, _mm256_set1_epi8(51));
        kind = _mm256_or_si256(
            kind, _mm256_and_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(26), six), _mm256_set1_epi8(13)));
        const __m256i added = _mm256_setr_epi8(HF_LETTER, HF_LETTER);
        _mm256_storeu_si256((__m256i *)to, _mm256_add_epi8(six, _mm256_shuffle_epi8(added, kind)));
    }
    return taken;
}

/* Thirty-two characters are twenty-four bytes, and eight more are written, again and again until fewer than `least`
 * are there; answers how many characters it took. It stops before those of which one is no letter. */
HF_WIDE size_t hf_decode_wide(uint8_t *to, const uint8_t *from, size_t size, size_t least) {
    const __m256i nibble = _mm256_set1_epi8(15);
    size_t taken = 0;
    for (; size - taken >= least; taken += 32, to += 24) {
        __m256i c = _mm256_loadu_si256((const __m256i *)(from + taken));
        __m256i high = _mm256_and_si256(_mm256_srli_epi32(c, 4), nibble);
        __m256i none = _mm256_and_si256(
            _mm256_shuffle_epi8(_mm256_setr_epi8(HF_CLASS, HF_CLASS), high),
            _mm256_shuffle_epi8(_mm256_setr_epi8(HF_NONE, HF_NONE), _mm256_and_si256(c, nibble)));
        if (_mm256_movemask_epi8(_mm256_cmpgt_epi8(none, _mm256_setzero_si256()))) break;
        /* -1 for a slash: it has a place of its own, before that of its class */
        __m256i slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));
        __m256i added = _mm256_shuffle_epi8(_mm256_setr_epi8(HF_ADDED, HF_ADDED), _mm256_add_epi8(high, slash));
        __m256i twelve = _mm256_maddubs_epi16(_mm256_add_epi8(c, added), _mm256_set1_epi32(0x01400140));
        __m256i groups = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));
        groups = _mm256_shuffle_epi8(groups, _mm256_setr_epi8(HF_ORDER, HF_ORDER));
        groups = _mm256_permutevar8x32_epi32(groups, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
        _mm256_storeu_si256((__m256i *)to, groups);
    }
    return taken;
}
#endif

/* Writes `hf_encoded_size(size)` characters. */
static inline void hf_encode(uint8_t *to, const uint8_t *from, size_t size) {
#ifdef HF_WIDE
    if (size >= 24 && HF_HAS_WIDE) {
        size_t taken = hf_encode_wide(to, from, size);
        to += taken / 3 * 4, from += taken, size -= taken;
    }
#endif
    for (; size >= 3; size -= 3, from += 3, to += 4) {
        uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        for (int i = 0; i < 4; i++) to[i] = (uint8_t)hf_letters[group >> (18 - 6 * i) & 63];
    }
    if (size) {
        uint32_t group = (uint32_t)from[0] << 16 | (size == 2 ? (uint32_t)from[1] << 8 : 0);
        to[0] = (uint8_t)hf_letters[group >> 18 & 63];
        to[1] = (uint8_t)hf_letters[group >> 12 & 63];
        to[2] = size == 2 ? (uint8_t)hf_letters[group >> 6 & 63] : '=';
        to[3] = '=';
    }
}

/* Writes the bytes of `size` characters, and something behind them, but no more than `size`; answers how many they are,
 * -1 for what is not base64 to the letter: a length that is none, other characters, bits that no byte has. */
static inline ptrdiff_t hf_decode(uint8_t *to, const uint8_t *from, size_t size) {
    const uint8_t *begins = to;
    if (size & 3) return -1;
#ifdef HF_WIDE
    /* a padded group is left for the end */
    size_t least = size && from[size - 1] == '=' ? 36 : 32;
    if (size >= least && HF_HAS_WIDE) {
        size_t taken = hf_decode_wide(to, from, size, least);
        to += taken / 4 * 3, from += taken, size -= taken;
    }
#endif
    for (; size; size -= 4, from += 4) {
        int padding = size == 4 ? (from[3] == '=') + (from[3] == '=' && from[2] == '=') : 0;
        uint32_t group = 0;
        for (int i = 0; i < 4 - padding; i++) {
            int six = hf_six(from[i]);
            if (six < 0) return -1;
            group |= (uint32_t)six << (18 - 6 * i);
        }
        if (padding && group & ((1u << 8 * padding) - 1)) return -1;
        for (int i = 0; i < 3 - padding; i++) *to++ = (uint8_t)(group >> (16 - 8 * i));
    }
    return to - begins;
}

#endif
