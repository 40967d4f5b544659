#define _GNU_SOURCE
#include "session.h"

#include "frames.h"
#include "loop.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACK_MS 1000 /* a client says about once a second what it has, as the page does */
#define START_NS (60 * NS_PER_S)
#define COME_AGAIN_NS (NS_PER_S / 2)
#define TOO_BUSY 503
#define DIALS_AT_ONCE 20
#define CLOSE_NS NS_PER_S

enum face face_of(const char *name)
{
    static const char *const names[] = {"json", "json-resume", "binary", "page"};
    for (int at = 0; at < 4; at++)
        if (strcmp(name, names[at]) == 0)
            return (enum face)at;
    die("face %s: there is none", name);
}

static bool in_json(const struct load *load)
{
    return load->face == JSON || load->face == JSON_RESUME;
}

/* What comes */

static void opened(struct end *end)
{
    const struct load *load = ((struct session *)end)->load;
    if (load->face == PAGE)
        end_send(end, TEXT, CREATE_POSITIONED, strlen(CREATE_POSITIONED));
    else if (load->face == IN_BINARY)
        end_send(end, TEXT, CREATE_SESSION, strlen(CREATE_SESSION));
}

/* One more message has come; now and then the gateway is told how many. The browser protocol counts from
 * `session_created` (0) on, the Realtime dialect from `session.created` (1). */
static void counted(struct session *session)
{
    const struct load *load = session->load;
    char told[64];
    int size = 0;
    if (session->count < 0)
        return;
    session->count++;
    if (session->count - session->acked < ACK_MS / load->frame_ms)
        return;
    session->acked = session->count;
    if (!in_json(load))
        size = snprintf(told, sizeof told, "{\"type\":\"ack\",\"offset\":%lld}", (long long)session->count);
    else if (load->face == JSON_RESUME)
        size = snprintf(told, sizeof told, "{\"type\":\"holdfast.ack\",\"received\":%lld}",
                        (long long)session->count);
    if (size)
        end_send(&session->end, TEXT, told, (size_t)size);
}

static void heard(struct session *session, const uint8_t *pcm, ptrdiff_t size)
{
    struct load *load = session->load;
    load->received++;
    if (size <= 0) {
        load->faults.altered++;
        return;
    }
    uint64_t due = session->stream.due;
    stream_take(&session->stream, pcm, (size_t)size);
    int64_t now = now_ns();
    for (; due < session->stream.due; due++)
        histogram_add(&load->rtt, now - session->sent_ns[due % IN_FLIGHT]);
}

static void heard_text(struct session *session, struct text audio)
{
    static uint8_t *pcm;
    static size_t room;
    size_t needed = audio.size / 4 * 3 + 3;
    if (needed > room) {
        pcm = realloc(pcm, needed);
        room = needed;
        if (!pcm)
            die("out of memory");
    }
    heard(session, pcm, base64_decode(audio.at, audio.size, pcm));
}

static bool is_bad_news(struct text type)
{
    return text_is(type, "error") || text_is(type, "audio_lost") || text_is(type, "session_ended") ||
           text_is(type, "response_done") || text_is(type, "holdfast.audio_lost");
}

static void ready(struct session *session)
{
    if (session->state != COMING)
        return;
    session->state = READY;
    session->was_ready = true;
    session->load->ready++;
}

static void text_came(struct session *session, const uint8_t *payload, size_t size)
{
    static const char *const names[] = {"type", "delta"};
    struct load *load = session->load;
    struct text found[2], type;
    if (!json_strings(payload, size, names, found, 2)) {
        trouble(&load->troubles, "no JSON: %.*s", (int)(size < 200 ? size : 200), payload);
        return;
    }
    type = found[0];
    if (in_json(load) && text_is(type, "response.output_audio.delta")) {
        heard_text(session, found[1]);
    } else if (text_is(type, "session.created")) {
        session->count = 1;
        end_send(&session->end, TEXT, SESSION_UPDATE, strlen(SESSION_UPDATE));
    } else if (text_is(type, "session_created") && session->count < 0) {
        session->count = 0;
    } else if (text_is(type, in_json(load) ? "response.created" : "session_ready")) {
        ready(session);
    } else if (is_bad_news(type)) {
        trouble(&load->troubles, "%.*s", (int)(size < 280 ? size : 280), payload);
    }
}

static void came(struct end *end, enum opcode opcode, uint8_t *payload, size_t size)
{
    struct session *session = (struct session *)end;
    if (session->state == LEAVING)
        return;
    counted(session);
    if (opcode == TEXT) {
        text_came(session, payload, size);
    } else if (session->load->face == PAGE) {
        uint64_t offset = 0;
        if (size > DOWNLINK_HEAD_BYTES)
            memcpy(&offset, payload, sizeof offset);
        bool is_next = size > DOWNLINK_HEAD_BYTES && (int64_t)le64toh(offset) == session->count;
        heard(session, payload + DOWNLINK_HEAD_BYTES, is_next ? (ptrdiff_t)size - DOWNLINK_HEAD_BYTES : 0);
    } else {
        heard(session, payload, (ptrdiff_t)size);
    }
}

static void over(struct end *end, const char *why)
{
    struct session *session = (struct session *)end;
    struct load *load = session->load;
    bool is_busy = session->state == COMING && end->status == TOO_BUSY;
    if (is_busy) {
        load->refused++;
    } else if (session->state == COMING) {
        load->failed++;
        trouble(&load->troubles, "session %llu: %s", (unsigned long long)session->stream.session, why);
    } else if (session->state == READY) {
        trouble(&load->troubles, "session %llu ended: %s", (unsigned long long)session->stream.session, why);
    }
    session->again_ns = session->state == COMING ? now_ns() + COME_AGAIN_NS : 0;
    session->state = AWAY;
    session->is_talking = false;
}

/* What goes */

static const struct listener LISTENER = {opened, came, over};

struct session *sessions_of(struct load *load, int count)
{
    struct session *sessions = calloc((size_t)count, sizeof *sessions);
    if (!sessions)
        die("out of memory");
    for (int at = 0; at < count; at++) {
        sessions[at].load = load;
        sessions[at].stream.session = (uint64_t)at;
        sessions[at].stream.frame_bytes = load->frame_bytes;
        sessions[at].stream.faults = &load->faults;
    }
    return sessions;
}

void session_dial(struct session *session)
{
    session->state = COMING;
    session->was_ready = false;
    session->count = -1;
    session->acked = 0;
    session->dialled_ns = now_ns();
    end_dial(&session->end, &session->load->address, &LISTENER);
}

void session_speak(struct session *session)
{
    static struct bytes message;
    static uint8_t placed[sizeof(uint64_t) + FRAME_BYTES_MAX];
    struct load *load = session->load;
    struct stream *stream = &session->stream;
    uint8_t *pcm = placed + sizeof(uint64_t);
    if (stream->sent - stream->due >= IN_FLIGHT) {
        trouble(&load->troubles, "session %llu has %d frames unanswered and says no more",
                (unsigned long long)stream->session, IN_FLIGHT);
        session->is_talking = false;
        return;
    }
    frame_fill(pcm, stream->session, stream->sent, stream->frame_bytes);
    session->sent_ns[stream->sent % IN_FLIGHT] = now_ns();
    if (in_json(load)) {
        append_into(&message, pcm, stream->frame_bytes);
        end_send(&session->end, TEXT, message.at, message.size);
    } else if (load->face == PAGE) {
        uint64_t first = htole64(stream->sent * stream->frame_bytes / SAMPLE_BYTES);
        memcpy(placed, &first, sizeof first);
        end_send(&session->end, BINARY, placed, sizeof first + stream->frame_bytes);
    } else {
        end_send(&session->end, BINARY, pcm, stream->frame_bytes);
    }
    stream->sent++;
    load->sent++;
}

/* Many */

static int coming(struct session *sessions, int count)
{
    int found = 0;
    for (int at = 0; at < count; at++)
        found += sessions[at].state == COMING;
    return found;
}

void sessions_connect(struct session *sessions, int count)
{
    struct load *load = sessions->load;
    int64_t until = now_ns() + START_NS;
    for (int missing = count; missing;) {
        int64_t now = now_ns();
        if (now > until)
            die("%d of %d sessions did not become ready", missing, count);
        int gate = DIALS_AT_ONCE - coming(sessions, count);
        for (int at = 0; at < count && gate > 0; at++)
            if (sessions[at].state == AWAY && sessions[at].again_ns <= now) {
                session_dial(&sessions[at]);
                gate--;
            }
        loop_turn(now + 20 * NS_PER_MS);
        if (load->failed)
            die("%s", load->troubles.said[0]);
        missing = count;
        for (int at = 0; at < count; at++)
            missing -= sessions[at].state == READY;
    }
}

/* The browser protocol holds a session whose socket closes for its return: who leaves says so. */
void session_leave(struct session *session)
{
    session->state = LEAVING;
    if (!in_json(session->load))
        end_send(&session->end, TEXT, END_SESSION, strlen(END_SESSION));
    end_close(&session->end);
}

void sessions_close(struct session *sessions, int count)
{
    int64_t until = now_ns() + CLOSE_NS;
    for (int at = 0; at < count; at++)
        if (sessions[at].state != LEAVING && sessions[at].end.phase == OPEN)
            session_leave(&sessions[at]);
    for (int left = count; left && now_ns() < until;) {
        left = 0;
        for (int at = 0; at < count; at++)
            left += sessions[at].state == LEAVING;
        if (left)
            loop_turn(until);
    }
    for (int at = 0; at < count; at++) {
        sessions[at].state = LEAVING;
        end_cut(&sessions[at].end, "it took too long");
        end_free(&sessions[at].end);
        stream_free(&sessions[at].stream);
    }
    free(sessions);
}

/* The parent */

static bool it_spoke;

static void spoke(struct source *source, uint32_t events)
{
    char said[64];
    (void)source, (void)events;
    it_spoke = true;
    if (read(STDIN_FILENO, said, sizeof said) <= 0)
        loop_forget(STDIN_FILENO); /* an end is told again and again */
}

bool parent_spoke(void)
{
    static struct source parent = {spoke};
    static bool is_watched;
    if (!is_watched) {
        is_watched = true;
        loop_watch(STDIN_FILENO, &parent, EPOLLIN);
    }
    bool said = it_spoke;
    it_spoke = false;
    return said;
}
