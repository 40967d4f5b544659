/* The tasks of this program: what each is given as `name=value`, and that it prints one line of JSON.
 *
 * `talk`    sessions talk in real time; waits for a line after the first, which says that all are ready
 * `setups`  sessions are set up and closed, as fast as they come
 * `idle`    sessions are open and quiet, until standard input ends
 * `echo`    the upstream: every frame comes back, until standard input ends */

#ifndef HOLDFAST_TASKS_H
#define HOLDFAST_TASKS_H

struct options {
    const char *face, *url, *pids, *upstream_pid, *counts;
    double seconds, warm_up_s;
    int sessions, turns, frame_ms, at_once, port;
};

void talk(const struct options *options);
void setups(const struct options *options);
void idle(const struct options *options);
void echo(const struct options *options);

#endif
