/* The compiled load and its echoing upstream: `holdfast-load TASK name=value ...` (tasks.h). */

#define _GNU_SOURCE
#include "bytes.h"
#include "frames.h"
#include "loop.h"
#include "tasks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define SESSIONS_MAX 100000
#define FRAME_MS_MAX (FRAME_BYTES_MAX / BYTES_PER_MS)

static double number(const char *name, const char *value, double low, double high)
{
    char *end;
    double found = strtod(value, &end);
    if (end == value || *end || !(found >= low && found <= high))
        die("%s=%s: a number from %g to %g is wanted", name, value, low, high);
    return found;
}

static void read_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "face") == 0)
        options->face = value;
    else if (strcmp(name, "url") == 0)
        options->url = value;
    else if (strcmp(name, "pids") == 0)
        options->pids = value;
    else if (strcmp(name, "upstream_pid") == 0)
        options->upstream_pid = value;
    else if (strcmp(name, "counts") == 0)
        options->counts = value;
    else if (strcmp(name, "seconds") == 0)
        options->seconds = number(name, value, 0, 86400);
    else if (strcmp(name, "warm_up_s") == 0)
        options->warm_up_s = number(name, value, 0, 86400);
    else if (strcmp(name, "sessions") == 0)
        options->sessions = (int)number(name, value, 1, SESSIONS_MAX);
    else if (strcmp(name, "at_once") == 0)
        options->at_once = (int)number(name, value, 1, SESSIONS_MAX);
    else if (strcmp(name, "turns") == 0)
        options->turns = (int)number(name, value, 1, 10000);
    else if (strcmp(name, "frame_ms") == 0)
        options->frame_ms = (int)number(name, value, 1, FRAME_MS_MAX);
    else if (strcmp(name, "port") == 0)
        options->port = (int)number(name, value, 0, 65535);
    /* what only the parent needs passes */
}

static struct options options_of(int count, char **arguments)
{
    struct options options = {
        .face = "json", .url = "", .pids = "", .upstream_pid = "", .counts = "",
        .seconds = 1, .warm_up_s = 0, .sessions = 1, .turns = 1, .frame_ms = 20, .at_once = 1,
    };
    for (int at = 0; at < count; at++) {
        char *equals = strchr(arguments[at], '=');
        if (!equals)
            die("%s: name=value is wanted", arguments[at]);
        *equals = '\0';
        read_option(&options, arguments[at], equals + 1);
    }
    return options;
}

/* A socket for each session, and clocks that do not round. */
static void prepare(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    loop_open();
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*task)(const struct options *);
    } tasks[] = {{"talk", talk}, {"setups", setups}, {"idle", idle}, {"echo", echo}};
    for (size_t at = 0; count > 1 && at < sizeof tasks / sizeof *tasks; at++)
        if (strcmp(arguments[1], tasks[at].name) == 0) {
            struct options options = options_of(count - 2, arguments + 2);
            prepare();
            tasks[at].task(&options);
            return 0;
        }
    die("a task is wanted: talk, setups, idle or echo");
}
