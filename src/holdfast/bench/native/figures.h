/* Figures: what a time is most of the time, what processes have used, what the upstream counts.
 *
 * What lives here: histograms, /proc, the file of counts, words as JSON.
 * What never will: what is measured with them. */

#ifndef HOLDFAST_FIGURES_H
#define HOLDFAST_FIGURES_H

#include "bytes.h"

#define OCTAVES 40
#define STEPS 128 /* within an octave: a value is known to half a percent */

struct histogram {
    uint64_t count;
    uint32_t at[OCTAVES][STEPS];
};

void histogram_add(struct histogram *histogram, int64_t ns);
double histogram_ms(const struct histogram *histogram, double share);

#define PIDS 64

struct pids {
    int of[PIDS];
    int count;
};

struct pids pids_of(const char *text); /* with commas between */
/* Processor time of all threads so far, user and system, ns. */
int64_t cpu_ns(const struct pids *pids);
int64_t own_cpu_ns(void);
/* Memory that processes have written themselves, bytes. */
int64_t memory_bytes(const struct pids *pids);

struct counts {
    uint64_t received, sent;
};

/* The upstream's file of counts, made or opened; NULL for an empty path. */
volatile struct counts *counts_map(const char *path, bool is_ours);

#define TROUBLES 3

struct troubles {
    char *said[TROUBLES];
    int count;
};

/* Keeps the first few. */
void trouble(struct troubles *troubles, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As an array of JSON. */
void troubles_print(const struct troubles *troubles);

#endif
