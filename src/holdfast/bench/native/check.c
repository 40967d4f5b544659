#include "check.h"

#include "frames.h"

#include <string.h>

#define NEAR 1024 /* a frame so far from where the stream stands is none of it */

static uint64_t missing_count(const struct stream *stream)
{
    return stream->missing.size / sizeof(uint64_t);
}

uint64_t stream_awaited(const struct stream *stream)
{
    uint64_t ahead = stream->sent - stream->due;
    return stream->damaged < ahead ? ahead - stream->damaged : 0;
}

uint64_t stream_unanswered(const struct stream *stream)
{
    return stream_awaited(stream) + missing_count(stream);
}

static void damage(struct stream *stream)
{
    stream->faults->altered++;
    stream->damaged++;
}

/* Whether a frame was missing; then it is no longer. */
static bool was_missing(struct stream *stream, uint64_t number)
{
    for (uint64_t at = 0; at < missing_count(stream); at++) {
        uint8_t *entry = stream->missing.at + at * sizeof number;
        if (memcmp(entry, &number, sizeof number) != 0)
            continue;
        stream->missing.size -= sizeof number;
        memmove(entry, entry + sizeof number, stream->missing.size - at * sizeof number);
        return true;
    }
    return false;
}

static void came(struct stream *stream, uint64_t number)
{
    if (was_missing(stream, number)) {
        stream->faults->swapped++;
    } else if (number < stream->due) {
        stream->faults->doubled++;
    } else {
        for (; stream->due < number; stream->due++) {
            if (stream->damaged)
                stream->damaged--; /* this one came, altered */
            else
                bytes_add(&stream->missing, &stream->due, sizeof stream->due);
        }
        stream->damaged = 0;
        stream->due++;
    }
}

/* Whether a frame of ours seems to begin at `at` of the rest, and which. */
static bool begins(const struct stream *stream, size_t at, uint64_t *number)
{
    uint64_t mark[2];
    if (stream->rest.size < at + LIKELY_BYTES)
        return false;
    memcpy(mark, stream->rest.at + at, MARK_BYTES);
    *number = mark[1];
    if (mark[0] != stream->session || *number >= stream->sent || *number + NEAR < stream->due)
        return false;
    return frame_has(stream->session, *number, stream->frame_bytes, 0, stream->rest.at + at, LIKELY_BYTES);
}

/* Takes one frame off the rest, or bytes that are none; false when more must come first. */
static bool step(struct stream *stream)
{
    struct bytes *rest = &stream->rest;
    size_t size = stream->frame_bytes, at = 0;
    uint64_t number;
    if (rest->size < size)
        return false;
    if (begins(stream, 0, &number) && frame_has(stream->session, number, size, 0, rest->at, size)) {
        bytes_drop(rest, size);
        came(stream, number);
        return true;
    }
    for (size_t where = 1; !at && where + LIKELY_BYTES <= rest->size; where++)
        if (begins(stream, where, &number))
            at = where;
    if (!at && rest->size < size + LIKELY_BYTES)
        return false;
    bytes_drop(rest, at ? at : size);
    damage(stream);
    return true;
}

void stream_take(struct stream *stream, const uint8_t *pcm, size_t size)
{
    size_t whole = stream->frame_bytes;
    while (size && !stream->rest.size) {
        size_t more = whole - stream->part < size ? whole - stream->part : size;
        bool is_right = stream->due < stream->sent &&
                        frame_has(stream->session, stream->due, whole, stream->part, pcm, more);
        if (!is_right) {
            uint8_t right[FRAME_BYTES_MAX];
            frame_fill(right, stream->session, stream->due, whole);
            bytes_add(&stream->rest, right, stream->part);
            stream->part = 0;
            break;
        }
        pcm += more, size -= more, stream->part += more;
        if (stream->part == whole) {
            stream->part = 0;
            stream->due++;
        }
    }
    if (!size)
        return;
    bytes_add(&stream->rest, pcm, size);
    while (step(stream))
        ;
}

void stream_end(struct stream *stream)
{
    if (!stream->rest.size && !stream->part)
        return;
    stream->rest.size = stream->part = 0;
    damage(stream);
}

void stream_free(struct stream *stream)
{
    bytes_free(&stream->rest);
    bytes_free(&stream->missing);
}
