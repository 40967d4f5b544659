/* Whether thirty-two bytes are taken at a time.
 *
 * What lives here: the one question for AVX2, asked of the processor when it runs, so that one build serves all.
 * What never will: what is done with them. Each loop stands beside the plain one, which ends what it leaves over.
 */
#ifndef HOLDFAST_WIDE_H
#define HOLDFAST_WIDE_H

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HF_HAS_WIDE __builtin_cpu_supports("avx2")
#define HF_WIDE __attribute__((target("avx2"))) static inline
#endif

#endif
