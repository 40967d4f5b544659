/* How well a moment of sound fits each sound of speech: pocketsphinx' scores, many at a time.
 *
 * What lives here: the scoring of phonetically tied mixtures (`ptm`), with the results of the library's own, bit
 * for bit. What never will: search, features, another result.
 *
 * The library asks for its scores through a table of functions whose entries are symbols of its own. Loaded
 * before it for everybody (RTLD_GLOBAL), this object's symbols stand in their place; what is unusual goes to the
 * library's own functions, which `hf_densities_attach` is given. So nothing of it is written to or copied.
 *
 * What is won, and how. A decoder has its own copy of the 1.7 MB of densities, and looks at them one by one: with
 * many sessions that is mostly waiting for memory. Here all decoders share one copy, laid out so that eight
 * densities or sixteen are weighed with one instruction, each in the order of operations that the library has
 * (the compiler may fuse none: -ffp-contract=off), and a handful that cannot be among the best is left early, as
 * there. The weights of senones are bytes beside one another for one density; they are added up sixteen at a time,
 * with the table of logarithms written as the few steps that it has.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ABREAST __attribute__((target("avx2")))

enum {
    LANES = 8,         /* densities weighed together: as many as fit a register */
    MOST_STREAMS = 4,
    MOST_TOP = 8,
    MOST_STEPS = 16,
    SCORE_SHIFT = 10,
    WORST_FIT = 96,    /* the library's bound on a fit that was scaled down */
    SENONES = 16       /* senones added up together */
};
static const int32_t WORST_NORM = (int32_t)0xE0000000;

/* The library's structures, as far as they are read (version 5.1.1; `densities.py` asks for no other). */

typedef struct { int32_t which, score; } Top;
typedef struct { Top ***top; uint32_t *active; } Moment;
typedef struct { void *functions; int frame; } Base;
typedef struct { void *table; uint32_t size; uint8_t width; int8_t shift; } AddTable;
typedef struct { AddTable adding; } LogMath;
typedef struct {
    float ****mean, ****var, ***det;
    LogMath *logs;
    int32_t codebooks, streams, densities, *lengths;
} Gaussians;
typedef struct {
    Base base;
    void *config;
    Gaussians *gaussians;
    int32_t senones;
    uint8_t *codebook_of, ***weights;
    void *mapped;
    uint8_t *weights_codebook;
    int16_t top, every;
    Moment *moments, *now;
    int kept;
    LogMath *bytes;
    LogMath *logs;
} Scorer;

typedef int Evaluate(Base *, int16_t *, uint8_t *, int32_t, float **, int32_t, int32_t);
typedef Base *Begin(void *, void *);
typedef void End(Base *);
typedef int Transform(Base *, void *);

#define VECTOR(COUNT, KIND) KIND __attribute__((vector_size((COUNT) * sizeof(KIND))))
typedef VECTOR(LANES, float) Fits;
typedef VECTOR(LANES, int32_t) Masks;
typedef VECTOR(SENONES, int16_t) Scores;
typedef VECTOR(SENONES, uint8_t) Weights;

static struct Library { Evaluate *evaluate; Begin *begin; End *end; Transform *transform; } library;

/* What all decoders of a process share: the densities of the first one, its steps of the table, and its runs of
 * senones with one codebook. */
static struct {
    int32_t codebooks, streams, densities, senones, width;
    int32_t lengths[MOST_STREAMS], offsets[MOST_STREAMS];
    float *det;          /* [codebook][stream][density] */
    float *mean, *var;   /* [codebook][stream][block][dimension][lane]: for all of a block at once */
    float *both;         /* [codebook][stream][density][2][dimension]: for a density alone, in one place */
    int32_t steps;
    int16_t step[MOST_STEPS]; /* what two scores are apart by must be under this for one more to be taken off */
    uint16_t *run_end;   /* [senone] */
    uint8_t *codebook_of;
} shared;
static int is_shared;
static uint64_t evaluated, passed_on;

/* Decoders whose densities are the shared ones: a set of addresses. */
static struct { Base **of; size_t count, room; } known;

static size_t place_of(const Base *base) {
    size_t at = 0;
    while (at < known.count && known.of[at] != base) at++;
    return at;
}

static void forget(const Base *base) {
    const size_t at = place_of(base);
    if (at < known.count) known.of[at] = known.of[--known.count];
}

static void remember(Base *base) {
    if (known.count == known.room) {
        size_t room = known.room ? 2 * known.room : 64;
        Base **of = realloc(known.of, room * sizeof *of);
        if (of == NULL) return;
        known.of = of;
        known.room = room;
    }
    known.of[known.count++] = base;
}

/* What can be shared at all: everything else is the library's to score. */
static int is_usual(const Scorer *of) {
    const Gaussians *has = of->gaussians;
    if (has == NULL || has->streams < 1 || has->streams > MOST_STREAMS || has->densities % LANES) return 0;
    if (of->top < 1 || of->top > MOST_TOP || of->every < 1 || of->kept < 2) return 0;
    if (of->weights_codebook != NULL || of->bytes->adding.width != 1 || of->bytes->adding.size < 256) return 0;
    return of->senones >= SENONES && of->senones < UINT16_MAX;
}

static int is_like_shared(const Scorer *of) {
    const Gaussians *has = of->gaussians;
    if (has->codebooks != shared.codebooks || has->streams != shared.streams) return 0;
    if (has->densities != shared.densities || of->senones != shared.senones) return 0;
    if (memcmp(has->lengths, shared.lengths, sizeof(int32_t) * (size_t)has->streams)) return 0;
    if (memcmp(of->codebook_of, shared.codebook_of, (size_t)of->senones)) return 0;
    const uint8_t *taken_off = of->bytes->adding.table;
    for (int apart = 0; apart < 256; apart++) {
        int steps = 0;
        for (int at = 0; at < shared.steps; at++) steps += apart < shared.step[at];
        if (steps != taken_off[apart]) return 0;
    }
    return 1;
}

/* Where the block of a density begins, in `mean` and `var`. */
static size_t block_at(int codebook, int stream, int block) {
    size_t row = (size_t)codebook * (size_t)shared.densities * (size_t)shared.width;
    return row + (size_t)shared.densities * (size_t)shared.offsets[stream]
           + (size_t)block * LANES * (size_t)shared.lengths[stream];
}

/* Where a density's mean stands in `both`; its variance follows. */
static size_t alone_at(int codebook, int stream, int density) {
    return 2 * (block_at(codebook, stream, 0) + (size_t)density * (size_t)shared.lengths[stream]);
}

static size_t det_at(int codebook, int stream) {
    return ((size_t)codebook * (size_t)shared.streams + (size_t)stream) * (size_t)shared.densities;
}

/* Go through the library's densities in the order of ours; copy them, or (not `copies`) say whether they are equal. */
static int go_through(const Gaussians *has, int copies) {
    for (int codebook = 0; codebook < has->codebooks; codebook++)
        for (int stream = 0; stream < has->streams; stream++) {
            const int length = has->lengths[stream];
            float *det = shared.det + det_at(codebook, stream);
            for (int density = 0; density < has->densities; density++) {
                const size_t to = block_at(codebook, stream, density / LANES) + (size_t)(density % LANES);
                const float *mean = has->mean[codebook][stream][density];
                const float *var = has->var[codebook][stream][density];
                float *alone = shared.both + alone_at(codebook, stream, density);
                if (copies) memcpy(alone, mean, sizeof *mean * (size_t)length);
                if (copies) memcpy(alone + length, var, sizeof *var * (size_t)length);
                if (copies) det[density] = has->det[codebook][stream][density];
                else if (memcmp(det + density, has->det[codebook][stream] + density, sizeof *det)) return 0;
                for (int at = 0; at < length; at++) {
                    float *our_mean = shared.mean + to + at * LANES, *our_var = shared.var + to + at * LANES;
                    if (copies) *our_mean = mean[at], *our_var = var[at];
                    else if (memcmp(our_mean, mean + at, sizeof *mean) || memcmp(our_var, var + at, sizeof *var))
                        return 0;
                }
            }
        }
    return 1;
}

static void *zeros(size_t count, size_t size) {
    void *made = NULL;
    if (posix_memalign(&made, 64, count * size)) return NULL;
    return memset(made, 0, count * size);
}

static int share(const Scorer *of) {
    const Gaussians *has = of->gaussians;
    shared.codebooks = has->codebooks, shared.streams = has->streams, shared.densities = has->densities;
    shared.senones = of->senones, shared.width = 0;
    for (int stream = 0; stream < has->streams; stream++) {
        shared.lengths[stream] = has->lengths[stream];
        shared.offsets[stream] = shared.width;
        shared.width += has->lengths[stream];
    }
    const size_t all = (size_t)has->codebooks * (size_t)has->densities;
    shared.det = zeros(all * (size_t)has->streams, sizeof *shared.det);
    shared.mean = zeros(all * (size_t)shared.width, sizeof *shared.mean);
    shared.var = zeros(all * (size_t)shared.width, sizeof *shared.var);
    shared.both = zeros(2 * all * (size_t)shared.width, sizeof *shared.both);
    shared.run_end = zeros((size_t)of->senones, sizeof *shared.run_end);
    shared.codebook_of = zeros((size_t)of->senones, 1);
    if (!shared.det || !shared.mean || !shared.var || !shared.both || !shared.run_end || !shared.codebook_of) return 0;
    memcpy(shared.codebook_of, of->codebook_of, (size_t)of->senones);
    for (int at = of->senones - 1, end = of->senones; at >= 0; at--) {
        if (at + 1 < of->senones && of->codebook_of[at] != of->codebook_of[at + 1]) end = at + 1;
        shared.run_end[at] = (uint16_t)end;
    }
    const uint8_t *taken_off = of->bytes->adding.table;
    if (taken_off[0] > MOST_STEPS) return 0;
    shared.steps = taken_off[0];
    for (int step = 0; step < shared.steps; step++) {
        int apart = 0;
        while (apart < 256 && taken_off[apart] > step) apart++;
        shared.step[step] = (int16_t)apart;
    }
    go_through(has, 1);
    return is_like_shared(of);
}

/* The library's functions, in their places. */

Base *ptm_mgau_init(void *model, void *definition) {
    Base *made = library.begin(model, definition);
    if (made == NULL || !is_usual((Scorer *)made)) return made;
    const Scorer *of = (const Scorer *)made;
    if (is_shared == 0) is_shared = share(of) ? 1 : -1;
    if (is_shared == 1 && is_like_shared(of) && go_through(of->gaussians, 0)) remember(made);
    return made;
}

void ptm_mgau_free(Base *of) {
    forget(of);
    library.end(of);
}

int ptm_mgau_mllr_transform(Base *of, void *by) {
    forget(of);
    return library.transform(of, by);
}

static int is_active(const Moment *now, int codebook) {
    return now->active[codebook / 32] >> (codebook % 32) & 1;
}

static int32_t rounded(float fit) { return fit < (float)INT32_MIN ? INT32_MIN : (int32_t)fit; }

/* The last moment's best densities, weighed again and put in order. */
static void weigh_again(Top *top, int count, int codebook, int stream, const float *heard) {
    const int length = shared.lengths[stream];
    const float *det = shared.det + det_at(codebook, stream);
    for (int at = 0; at < count; at++) {
        const int which = top[at].which;
        const float *mean = shared.both + alone_at(codebook, stream, which), *var = mean + length;
        float fit = det[which];
        for (int dim = 0; dim < length; dim++) {
            const float off = heard[dim] - mean[dim];
            fit -= off * off * var[dim];
        }
        const Top one = {which, rounded(fit)};
        int to = at;
        for (; to > 0 && one.score > top[to - 1].score; to--) top[to] = top[to - 1];
        top[to] = one;
    }
}

/* Whether any of a handful reaches the threshold. */
ABREAST static inline int any_of(Fits fit, float least) {
    union { Masks lanes; uint64_t words[LANES / 2]; } reach = {fit >= least};
    uint64_t any = 0;
    for (int word = 0; word < LANES / 2; word++) any |= reach.words[word];
    return any != 0;
}

/* All densities of a codebook: who is better than the worst of the best takes a place among them. */
ABREAST static void weigh_all(Top *top, int count, int codebook, int stream, const float *heard) {
    const int length = shared.lengths[stream];
    const float *det = shared.det + det_at(codebook, stream);
    const Top *worst = top + count - 1;
    for (int block = 0; block < shared.densities / LANES; block++) {
        const float *mean = shared.mean + block_at(codebook, stream, block);
        const float *var = shared.var + block_at(codebook, stream, block);
        Fits fit = *(const Fits *)(det + block * LANES);
        int dim = 0;
        for (int next = 4 + length % 4; dim < length; next = 4) {
            for (const int end = dim + next; dim < end; dim++) {
                const Fits off = heard[dim] - *(const Fits *)(mean + dim * LANES);
                fit -= off * off * *(const Fits *)(var + dim * LANES);
            }
            if (!any_of(fit, (float)worst->score)) break;
        }
        if (dim < length) continue;
        for (int lane = 0; lane < LANES; lane++) {
            if (fit[lane] < (float)worst->score) continue;
            const Top one = {block * LANES + lane, rounded(fit[lane])};
            int is_in = 0;
            for (int at = 0; at < count; at++) is_in |= top[at].which == one.which;
            if (is_in) continue;
            int to = count - 1;
            for (; to > 0 && one.score >= top[to - 1].score; to--) top[to] = top[to - 1];
            top[to] = one;
        }
    }
}

/* Scaled down, each stream by its best. */
static void scale(const Scorer *of) {
    for (int stream = 0; stream < shared.streams; stream++) {
        int32_t best = WORST_NORM;
        for (int codebook = 0; codebook < shared.codebooks; codebook++) {
            if (!is_active(of->now, codebook)) continue;
            const int32_t score = of->now->top[codebook][stream][0].score >> SCORE_SHIFT;
            if (best < score) best = score;
        }
        for (int codebook = 0; codebook < shared.codebooks; codebook++) {
            if (!is_active(of->now, codebook)) continue;
            Top *top = of->now->top[codebook][stream];
            for (int at = 0; at < of->top; at++) {
                const int32_t off = best - (top[at].score >> SCORE_SHIFT);
                top[at].score = off > WORST_FIT ? WORST_FIT : off;
            }
        }
    }
}

static void find_active(const Scorer *of, const uint8_t *gaps, int32_t count, int all) {
    uint32_t *active = of->now->active;
    memset(active, all ? 0xff : 0, (size_t)((shared.codebooks + 31) / 32) * sizeof *active);
    for (int32_t at = 0, senone = 0; !all && at < count; at++) {
        senone += gaps[at];
        const int codebook = shared.codebook_of[senone];
        active[codebook / 32] |= 1u << (codebook % 32);
    }
}

/* The scores of sixteen senones of one codebook that lie beside one another. */
ABREAST static void add_up(const Scorer *of, int codebook, int first, int16_t *restrict scores) {
    Scores sum = {0};
    for (int stream = 0; stream < shared.streams; stream++) {
        const Top *top = of->now->top[codebook][stream];
        Scores fit = {0};
        for (int best = 0; best < of->top; best++) {
            Weights weights;
            memcpy(&weights, of->weights[stream][top[best].which] + first, sizeof weights);
            const Scores other = __builtin_convertvector(weights, Scores) + (int16_t)top[best].score;
            if (best == 0) { fit = other; continue; }
            const Scores is_less = fit < other;
            const Scores less = (fit & is_less) | (other & ~is_less);
            const Scores apart = fit + other - less - less;
            fit = less;
            for (int step = 0; step < shared.steps; step++) fit += apart < shared.step[step];
        }
        sum += fit;
    }
    memcpy(scores, &sum, sizeof sum);
}

static void score_senones(Scorer *of, int16_t *scores, const uint8_t *gaps, int32_t count, int all) {
    memset(scores, 0, (size_t)of->senones * sizeof *scores);
    int16_t some[SENONES];
    int32_t from = 0, end = 0, best = INT32_MAX;
    if (all) count = of->senones;
    for (int32_t at = 0, senone = 0; at < count; at++) {
        senone = all ? at : senone + gaps[at];
        if (at == 0 || senone >= end || senone < from) {
            const int codebook = shared.codebook_of[senone];
            if (!is_active(of->now, codebook))
                for (int stream = 0; stream < shared.streams; stream++)
                    for (int place = 0; place < of->top; place++)
                        of->now->top[codebook][stream][place].score = WORST_FIT;
            from = senone < of->senones - SENONES ? senone : of->senones - SENONES;
            end = from + SENONES < shared.run_end[senone] ? from + SENONES : shared.run_end[senone];
            add_up(of, codebook, from, some);
        }
        const int32_t score = some[senone - from];
        if (score < best) best = score;
        scores[senone] = (int16_t)score;
    }
    for (int32_t at = 0; at < of->senones; at++) scores[at] = (int16_t)(scores[at] - best);
}

int ptm_mgau_frame_eval(Base *base, int16_t *scores, uint8_t *gaps, int32_t count, float **heard, int32_t frame, int32_t all) {
    if (place_of(base) == known.count) {
        passed_on++;
        return library.evaluate(base, scores, gaps, count, heard, frame, all);
    }
    evaluated++;
    Scorer *of = (Scorer *)base;
    const int place = frame % of->kept;
    of->now = of->moments + place;
    if (frame >= base->frame) {
        const Moment *before = of->moments + (place ? place : of->kept) - 1;
        const size_t tops = (size_t)shared.codebooks * (size_t)shared.streams * (size_t)of->top;
        memcpy(of->now->top[0][0], before->top[0][0], tops * sizeof(Top));
        find_active(of, gaps, count, all);
        for (int codebook = 0; codebook < shared.codebooks; codebook++)
            for (int stream = 0; stream < shared.streams; stream++)
                weigh_again(of->now->top[codebook][stream], of->top, codebook, stream, heard[stream]);
        for (int codebook = 0; frame % of->every == 0 && codebook < shared.codebooks; codebook++)
            for (int stream = 0; is_active(of->now, codebook) && stream < shared.streams; stream++)
                weigh_all(of->now->top[codebook][stream], of->top, codebook, stream, heard[stream]);
        scale(of);
    }
    score_senones(of, scores, gaps, count, all);
    return 0;
}

/* For `densities.py`. */

void hf_densities_attach(Evaluate *evaluate, Begin *begin, End *end, Transform *transform) {
    library = (struct Library){evaluate, begin, end, transform};
}

/* Whether this processor has the instructions. */
int hf_densities_fit_here(void) { return __builtin_cpu_supports("avx2"); }

/* Moments that were scored here, and those that were left to the library. */
uint64_t hf_densities_scored(void) { return evaluated; }
uint64_t hf_densities_passed_on(void) { return passed_on; }
