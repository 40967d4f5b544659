/* The sound that comes back on one session, compared with what was sent: `stream.py` in C.
 *
 * What lives here: a stream of PCM taken for frames again, and what is wrong with each.
 * What never will: messages. Whoever relays may join frames or cut them elsewhere; only their bytes count. */

#ifndef HOLDFAST_CHECK_H
#define HOLDFAST_CHECK_H

#include "bytes.h"

struct faults {
    uint64_t altered, doubled, swapped;
};

struct stream {
    uint64_t session;
    size_t frame_bytes;
    struct faults *faults;
    uint64_t sent;         /* frames so far */
    uint64_t due;          /* the frame that is to come next */
    size_t part;           /* bytes of it that have come and are right */
    struct bytes rest;     /* bytes that are not, or not yet, a frame; they begin where `part` would */
    struct bytes missing;  /* numbers (64 bits each) of frames whose successors have come */
    uint64_t damaged;      /* frames that came altered, so that nobody knows which they were */
};

void stream_take(struct stream *stream, const uint8_t *pcm, size_t size);
/* Nothing more will come: what is no whole frame is an altered one. */
void stream_end(struct stream *stream);
/* Frames of which nothing has come, nor of a later one. */
uint64_t stream_awaited(const struct stream *stream);
/* Frames that have not come back, altered ones left out. */
uint64_t stream_unanswered(const struct stream *stream);
void stream_free(struct stream *stream);

#endif
