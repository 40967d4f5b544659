/* What goes over the wire in a measurement, as `frames.py` has it: frames that can be told apart, and envelopes.
 *
 * A frame begins with its session and its number, 64 bits each in this machine's order, and goes on with noise
 * that depends on both. Another frame can never pass for it. */

#ifndef HOLDFAST_FRAMES_H
#define HOLDFAST_FRAMES_H

#include "bytes.h"

#define SAMPLE_BYTES 2
#define BYTES_PER_MS (24 * SAMPLE_BYTES)
#define FRAME_BYTES_MAX (1000 * BYTES_PER_MS)
#define MARK_BYTES 16
#define LIKELY_BYTES (MARK_BYTES + 16) /* so many at a frame's beginning say that it is one */
#define DOWNLINK_HEAD_BYTES 24         /* of a positioned message of the browser protocol */

void frame_fill(uint8_t *to, uint64_t session, uint64_t number, size_t size);
/* Whether the `count` bytes from `offset` of a frame are these. */
bool frame_has(uint64_t session, uint64_t number, size_t size, size_t offset, const uint8_t *bytes, size_t count);

extern const char SESSION_CREATED[], SESSION_UPDATE[], SESSION_UPDATED[], RESPONSE_CREATED[];
extern const char CREATE_SESSION[], CREATE_POSITIONED[], END_SESSION[];

/* The client event that carries PCM up; the server event that carries base64 down. */
void append_into(struct bytes *message, const uint8_t *pcm, size_t size);
void delta_into(struct bytes *message, struct text audio);

#endif
