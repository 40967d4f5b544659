/* Sessions that talk in real time, each from a moment of its own; every byte that comes back is compared. */

#include "frames.h"
#include "loop.h"
#include "session.h"
#include "tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS (2 * NS_PER_S)
#define STEP_NS (NS_PER_S / 10)

/* The state at one end of a window. */
struct mark {
    int64_t at, candidate, upstream, load;
    uint64_t sent, messages;
    struct counts counts;
};

struct talk {
    struct load load;
    struct session *sessions;
    int count;
    struct pids candidate, upstream;
    volatile struct counts *counts;
    struct moment *moments;
};

/* When a session speaks, within each frame's time. They follow each other in one circle: no clock for each. */
struct moment {
    int64_t after_ns;
    struct session *session;
};

static struct mark mark_of(const struct talk *talk)
{
    struct mark mark = {
        .at = now_ns(),
        .candidate = cpu_ns(&talk->candidate),
        .upstream = cpu_ns(&talk->upstream),
        .load = own_cpu_ns(),
        .sent = talk->load.sent,
        .messages = talk->load.sent + talk->load.received,
    };
    if (talk->counts)
        mark.counts = *talk->counts;
    return mark;
}

static int earlier(const void *one, const void *other)
{
    int64_t a = ((const struct moment *)one)->after_ns, b = ((const struct moment *)other)->after_ns;
    return (a > b) - (a < b);
}

static void scatter(struct talk *talk, int64_t frame_ns)
{
    for (int at = 0; at < talk->count; at++) {
        talk->moments[at].after_ns = (int64_t)(chance() % (uint64_t)frame_ns);
        talk->moments[at].session = &talk->sessions[at];
        talk->sessions[at].is_talking = talk->sessions[at].state == READY;
    }
    qsort(talk->moments, (size_t)talk->count, sizeof *talk->moments, earlier);
}

static bool is_awaiting(const struct talk *talk)
{
    for (int at = 0; at < talk->count; at++)
        if (stream_awaited(&talk->sessions[at].stream))
            return true;
    return false;
}

/* All talk; the window begins when they have come into step, and ends before they fall silent. */
static void turn(struct talk *talk, double seconds, struct mark *before, struct mark *after)
{
    int64_t frame_ns = talk->load.frame_ms * NS_PER_MS;
    scatter(talk, frame_ns);
    int64_t round = now_ns(), opens = round + STEP_NS, closes = opens + (int64_t)(seconds * NS_PER_S);
    bool is_open = false;
    for (int next = 0;;) {
        int64_t due = round + talk->moments[next].after_ns, now = now_ns();
        if (!is_open && now >= opens) {
            *before = mark_of(talk);
            is_open = true;
        }
        if (now >= closes)
            break;
        if (now < due) {
            int64_t until = is_open ? closes : opens;
            loop_turn(due < until ? due : until);
            continue;
        }
        struct session *session = talk->moments[next].session;
        if (session->is_talking) {
            histogram_add(&talk->load.late, now - due);
            session_speak(session);
        }
        if (++next == talk->count) {
            next = 0;
            round += frame_ns;
        }
        if (next % 16 == 0)
            loop_turn(0); /* one who is late still listens */
    }
    *after = mark_of(talk);
    int64_t until = now_ns() + SETTLE_NS;
    while (is_awaiting(talk) && now_ns() < until)
        loop_turn(now_ns() + NS_PER_MS);
}

static void print(struct talk *talk, const struct mark *sum, int64_t before, int64_t after)
{
    const struct load *load = &talk->load;
    uint64_t lost = 0, messages = sum->messages ? sum->messages : 1;
    for (int at = 0; at < talk->count; at++) {
        stream_end(&talk->sessions[at].stream);
        lost += stream_unanswered(&talk->sessions[at].stream);
    }
    double seconds = (double)sum->at, audio_s = (double)sum->sent * load->frame_ms / 1000;
    printf("{\"messages\":%llu,\"cpu_us\":%.6f,", (unsigned long long)messages,
           (double)sum->candidate / (double)messages / 1e3);
    printf("\"candidate_share\":%.6f,\"load_share\":%.6f,\"upstream_share\":%.6f,",
           (double)sum->candidate / seconds, (double)sum->load / seconds, (double)sum->upstream / seconds);
    printf("\"rtt_p50_ms\":%.6f,\"rtt_p95_ms\":%.6f,\"rtt_p99_ms\":%.6f,\"late_p99_ms\":%.6f,",
           histogram_ms(&load->rtt, 0.5), histogram_ms(&load->rtt, 0.95), histogram_ms(&load->rtt, 0.99),
           histogram_ms(&load->late, 0.99));
    printf("\"lost\":%llu,\"altered\":%llu,\"doubled\":%llu,\"swapped\":%llu,", (unsigned long long)lost,
           (unsigned long long)load->faults.altered, (unsigned long long)load->faults.doubled,
           (unsigned long long)load->faults.swapped);
    printf("\"frame_ms\":%d,\"audio_s\":%.3f,\"cpu_ms_per_audio_s\":%.6f,", load->frame_ms, audio_s,
           audio_s > 0 ? (double)sum->candidate / 1e6 / audio_s : 0.0);
    printf("\"upstream_received\":%llu,\"upstream_sent\":%llu,", (unsigned long long)sum->counts.received,
           (unsigned long long)sum->counts.sent);
    printf("\"memory_before\":%lld,\"memory_after\":%lld,", (long long)before, (long long)after);
    fputs("\"generator\":\"compiled\",\"troubles\":", stdout);
    troubles_print(&load->troubles);
    puts("}");
}

void talk(const struct options *options)
{
    struct talk *talk = calloc(1, sizeof *talk);
    struct mark sum = {0}, before, after;
    if (!talk)
        die("out of memory");
    talk->load.face = face_of(options->face);
    talk->load.address = address_of(options->url);
    talk->load.frame_ms = options->frame_ms;
    talk->load.frame_bytes = (size_t)options->frame_ms * BYTES_PER_MS;
    talk->candidate = pids_of(options->pids);
    talk->upstream = pids_of(options->upstream_pid);
    talk->counts = counts_map(options->counts, false);
    talk->count = options->sessions;
    talk->sessions = sessions_of(&talk->load, talk->count);
    talk->moments = calloc((size_t)talk->count, sizeof *talk->moments);
    if (!talk->moments)
        die("out of memory");
    int64_t memory_before = memory_bytes(&talk->candidate);
    sessions_connect(talk->sessions, talk->count);
    printf("{\"ready\":%d}\n", talk->count);
    fflush(stdout);
    while (!parent_spoke())
        loop_turn(now_ns() + NS_PER_S);
    turn(talk, options->warm_up_s, &before, &after);
    memset(&talk->load.rtt, 0, sizeof talk->load.rtt);
    memset(&talk->load.late, 0, sizeof talk->load.late);
    for (int which = 0; which < options->turns; which++) {
        turn(talk, options->seconds / options->turns, &before, &after);
        sum.at += after.at - before.at;
        sum.candidate += after.candidate - before.candidate;
        sum.upstream += after.upstream - before.upstream;
        sum.load += after.load - before.load;
        sum.sent += after.sent - before.sent;
        sum.messages += after.messages - before.messages;
        sum.counts.received += after.counts.received - before.counts.received;
        sum.counts.sent += after.counts.sent - before.counts.sent;
    }
    print(talk, &sum, memory_before, memory_bytes(&talk->candidate));
    fflush(stdout);
    sessions_close(talk->sessions, talk->count);
    free(talk->moments);
    free(talk);
}
