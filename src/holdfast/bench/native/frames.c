#include "frames.h"

#include <string.h>

#define NOISE_BYTES (64 * 1024)
#define ID_CHARS 22 /* so much of a frame's base64 says which it is: an event's id is no other's */

#define CREATED(type)                                                                                       \
    "{\"type\":\"" type "\",\"event_id\":\"event_bench_" type "\",\"session\":{\"id\":\"sess_bench\","       \
    "\"object\":\"realtime.session\",\"type\":\"realtime\",\"model\":\"gpt-realtime\"}}"

const char SESSION_CREATED[] = CREATED("session.created");
const char SESSION_UPDATED[] = CREATED("session.updated");
const char SESSION_UPDATE[] = "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\"}}";
const char RESPONSE_CREATED[] =
    "{\"type\":\"response.created\",\"event_id\":\"event_bench_response\",\"response\":{\"id\":\"resp_bench\","
    "\"object\":\"realtime.response\",\"status\":\"in_progress\",\"output\":[]}}";
const char CREATE_SESSION[] = "{\"type\":\"create_session\"}";
const char CREATE_POSITIONED[] = "{\"type\":\"create_session\",\"framing\":\"positioned\"}";
const char END_SESSION[] = "{\"type\":\"end_session\"}";

static const char APPEND_HEAD[] = "{\"type\":\"input_audio_buffer.append\",\"audio\":\"";
static const char DELTA_HEAD[] = "{\"type\":\"response.output_audio.delta\",\"event_id\":\"event_";
static const char DELTA_REST[] =
    "\",\"response_id\":\"resp_bench\",\"item_id\":\"item_bench\",\"output_index\":0,\"content_index\":0,"
    "\"delta\":\"";
static const char TAIL[] = "\"}";

static const uint8_t *noise(uint64_t session, uint64_t number, size_t size)
{
    static uint8_t made[NOISE_BYTES];
    static bool is_made;
    if (!is_made) {
        uint64_t word = 20; /* a measurement wants the same bytes each time */
        for (size_t at = 0; at < NOISE_BYTES; at++) {
            word = word * 6364136223846793005 + 1442695040888963407;
            made[at] = (uint8_t)(word >> 56);
        }
        is_made = true;
    }
    return made + (session * 7919 + number * 104729) % (NOISE_BYTES - (size - MARK_BYTES));
}

void frame_fill(uint8_t *to, uint64_t session, uint64_t number, size_t size)
{
    uint64_t mark[2] = {session, number};
    memcpy(to, mark, MARK_BYTES);
    memcpy(to + MARK_BYTES, noise(session, number, size), size - MARK_BYTES);
}

bool frame_has(uint64_t session, uint64_t number, size_t size, size_t offset, const uint8_t *bytes, size_t count)
{
    uint64_t mark[2] = {session, number};
    if (offset < MARK_BYTES) {
        size_t first = count < MARK_BYTES - offset ? count : MARK_BYTES - offset;
        if (memcmp(bytes, (uint8_t *)mark + offset, first) != 0)
            return false;
        bytes += first, offset += first, count -= first;
    }
    return !count || memcmp(bytes, noise(session, number, size) + offset - MARK_BYTES, count) == 0;
}

void append_into(struct bytes *message, const uint8_t *pcm, size_t size)
{
    static char text[4 * (FRAME_BYTES_MAX / 3 + 1)];
    message->size = 0;
    bytes_add(message, APPEND_HEAD, sizeof APPEND_HEAD - 1);
    bytes_add(message, text, base64_encode(pcm, size, text));
    bytes_add(message, TAIL, sizeof TAIL - 1);
}

void delta_into(struct bytes *message, struct text audio)
{
    message->size = 0;
    bytes_add(message, DELTA_HEAD, sizeof DELTA_HEAD - 1);
    bytes_add(message, audio.at, audio.size < ID_CHARS ? audio.size : ID_CHARS);
    bytes_add(message, DELTA_REST, sizeof DELTA_REST - 1);
    bytes_add(message, audio.at, audio.size);
    bytes_add(message, TAIL, sizeof TAIL - 1);
}
