#define _GNU_SOURCE
#include "figures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* histograms: equal steps up to 128 ns, then 128 steps for each octave */

void histogram_add(struct histogram *histogram, int64_t ns)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    int octave = value < STEPS ? 0 : 64 - __builtin_clzll(value) - 7;
    if (octave >= OCTAVES)
        octave = OCTAVES - 1, value = ~0ULL;
    histogram->at[octave][(value >> (octave ? octave - 1 : 0)) % STEPS]++;
    histogram->count++;
}

double histogram_ms(const struct histogram *histogram, double share)
{
    uint64_t below = 0, wanted = (uint64_t)(share * (double)histogram->count);
    for (int octave = 0; octave < OCTAVES; octave++)
        for (int step = 0; step < STEPS; step++) {
            below += histogram->at[octave][step];
            if (below > wanted) {
                uint64_t width = 1ULL << (octave ? octave - 1 : 0);
                uint64_t from = (octave ? STEPS + (uint64_t)step : (uint64_t)step) * width;
                return ((double)from + (double)width / 2) / NS_PER_MS;
            }
        }
    return 0.0;
}

/* processes */

struct pids pids_of(const char *text)
{
    struct pids found = {0};
    while (*text) {
        char *end;
        long pid = strtol(text, &end, 10);
        if (end == text || pid <= 0 || found.count == PIDS)
            die("pids: %s", text);
        found.of[found.count++] = (int)pid;
        text = *end == ',' ? end + 1 : end;
    }
    return found;
}

static bool file_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, room - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* Where the kernel keeps no nanoseconds, clock ticks must do. */
static int64_t ticks_ns(int pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    const char *fields = file_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (!fields || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (int64_t)(user + system) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static int64_t process_ns(int pid)
{
    char path[320], text[128];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        die("process %d is gone", pid);
    int64_t sum = 0;
    for (struct dirent *task; (task = readdir(tasks));) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, task->d_name);
        if (task->d_name[0] != '.' && file_text(path, text, sizeof text))
            sum += strtoll(text, NULL, 10);
    }
    closedir(tasks);
    return sum ? sum : ticks_ns(pid);
}

int64_t cpu_ns(const struct pids *pids)
{
    int64_t sum = 0;
    for (int at = 0; at < pids->count; at++)
        sum += process_ns(pids->of[at]);
    return sum;
}

int64_t own_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

int64_t memory_bytes(const struct pids *pids)
{
    int64_t sum = 0;
    for (int at = 0; at < pids->count; at++) {
        char path[64], text[4096];
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pids->of[at]);
        const char *line = file_text(path, text, sizeof text) ? strstr(text, "\nAnonymous:") : NULL;
        if (line)
            sum += strtoll(line + sizeof "\nAnonymous:" - 1, NULL, 10) * 1024;
    }
    return sum;
}

/* the upstream's counts */

volatile struct counts *counts_map(const char *path, bool is_ours)
{
    if (!*path)
        return NULL;
    int fd = open(path, is_ours ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600);
    if (fd < 0 || (is_ours && ftruncate(fd, sizeof(struct counts)) < 0))
        die("%s: %s", path, strerror(errno));
    int access = is_ours ? PROT_READ | PROT_WRITE : PROT_READ;
    void *mapped = mmap(NULL, sizeof(struct counts), access, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        die("%s: %s", path, strerror(errno));
    close(fd);
    return mapped;
}

/* troubles */

void trouble(struct troubles *troubles, const char *format, ...)
{
    if (troubles->count == TROUBLES)
        return;
    char said[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    troubles->said[troubles->count] = strdup(said);
    if (!troubles->said[troubles->count++])
        die("out of memory");
}

void troubles_print(const struct troubles *troubles)
{
    putchar('[');
    for (int at = 0; at < troubles->count; at++) {
        fputs(at ? ",\"" : "\"", stdout);
        for (const char *from = troubles->said[at]; *from; from++) {
            unsigned char one = (unsigned char)*from;
            if (one == '"' || one == '\\')
                printf("\\%c", one);
            else if (one < 32 || one > 126)
                printf("\\u%04x", one); /* a stranger's bytes, one by one */
            else
                putchar(one);
        }
        putchar('"');
    }
    putchar(']');
}
