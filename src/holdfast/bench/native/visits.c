/* Sessions that do not talk: set up and closed as fast as they come, or open and quiet. */

#include "frames.h"
#include "loop.h"
#include "session.h"
#include "tasks.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOSE_NS NS_PER_S /* a server that does not end the connection by then is left */
#define TURN_NS (10 * NS_PER_MS)

static struct load *load_of(const struct options *options)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        die("out of memory");
    load->face = face_of(options->face);
    load->address = address_of(options->url);
    load->frame_ms = options->frame_ms;
    load->frame_bytes = (size_t)options->frame_ms * BYTES_PER_MS;
    return load;
}

/* One place: whoever has become ready goes, whoever has gone is followed by the next. */
static void attend(struct session *place, uint64_t *done, struct histogram *ready_in)
{
    int64_t now = now_ns();
    if (place->state == READY) {
        histogram_add(ready_in, now - place->dialled_ns);
        place->again_ns = now + CLOSE_NS;
        session_leave(place);
    } else if (place->state == LEAVING && place->again_ns < now) {
        end_cut(&place->end, "it took too long");
    }
    if (place->state == AWAY && place->was_ready) {
        place->was_ready = false;
        (*done)++;
    }
    if (place->state == AWAY && place->again_ns <= now)
        session_dial(place);
}

void setups(const struct options *options)
{
    struct load *load = load_of(options);
    struct pids candidate = pids_of(options->pids), upstream = pids_of(options->upstream_pid);
    struct session *places = sessions_of(load, options->at_once);
    static struct histogram ready_in;
    uint64_t done = 0, done_before = 0;
    int64_t opens = now_ns() + (int64_t)(options->warm_up_s * NS_PER_S), at = 0, cpu = 0, own = 0, theirs = 0;
    int64_t closes = opens + (int64_t)(options->seconds * NS_PER_S);
    while (now_ns() < closes) {
        if (!at && now_ns() >= opens) {
            at = now_ns(), cpu = cpu_ns(&candidate), own = own_cpu_ns(), theirs = cpu_ns(&upstream);
            done_before = done;
            ready_in = (struct histogram){0};
        }
        for (int which = 0; which < options->at_once; which++)
            attend(&places[which], &done, &ready_in);
        loop_turn(now_ns() + TURN_NS);
    }
    double ns = (double)(now_ns() - at);
    cpu = cpu_ns(&candidate) - cpu, own = own_cpu_ns() - own, theirs = cpu_ns(&upstream) - theirs;
    uint64_t count = done - done_before;
    printf("{\"setups\":%llu,\"per_s\":%.3f,\"cpu_us\":%.3f,", (unsigned long long)count, (double)count / ns * 1e9,
           (double)cpu / 1e3 / (double)(count ? count : 1));
    printf("\"candidate_share\":%.6f,\"load_share\":%.6f,\"upstream_share\":%.6f,", (double)cpu / ns,
           (double)own / ns, (double)theirs / ns);
    printf("\"ready_p50_ms\":%.6f,\"ready_p99_ms\":%.6f,\"failed\":%llu,\"refused\":%llu,",
           histogram_ms(&ready_in, 0.5), histogram_ms(&ready_in, 0.99), (unsigned long long)load->failed,
           (unsigned long long)load->refused);
    printf("\"generator\":\"compiled\",\"troubles\":");
    troubles_print(&load->troubles);
    puts("}");
    fflush(stdout);
    sessions_close(places, options->at_once);
    free(load);
}

void idle(const struct options *options)
{
    struct load *load = load_of(options);
    struct session *sessions = sessions_of(load, options->sessions);
    sessions_connect(sessions, options->sessions);
    printf("{\"ready\":%d}\n", options->sessions);
    fflush(stdout);
    while (!parent_spoke())
        loop_turn(now_ns() + NS_PER_S);
    for (int at = 0; at < options->sessions; at++)
        if (sessions[at].state != READY)
            die("%s", load->troubles.count ? load->troubles.said[0] : "a session is gone");
    sessions_close(sessions, options->sessions);
    free(load);
}
