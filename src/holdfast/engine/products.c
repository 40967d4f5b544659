/* Products of a few rows with a matrix that is always the same.
 *
 * What lives here: the products of `silero.py`, for weights that were laid out for it. What never will: what is
 * multiplied, or another shape of it.
 *
 * A library of linear algebra lays the matrix out anew for each product. For a few rows that, and fetching it from
 * memory twice, is most of the work: everything else that a worker does has pushed it out of the caches. Here it
 * was laid out once, sixteen columns beside one another, and is read once from end to end for all rows.
 */

#include <stddef.h>

#define ABREAST __attribute__((target("avx2,fma")))

enum { LANES = 8, COLUMNS = 2 * LANES, ROWS = 4 };

typedef float Lanes __attribute__((vector_size(LANES * sizeof(float))));

/* Some rows and sixteen columns. */
#define SOME(NAME, COUNT)                                                                              \
    ABREAST static void NAME(const float *a, ptrdiff_t a_stride, const float *block, ptrdiff_t inner, \
                             float *out, ptrdiff_t out_stride) {                                      \
        Lanes left[COUNT] = {0}, right[COUNT] = {0};                                                   \
        for (ptrdiff_t at = 0; at < inner; at++) {                                                     \
            const Lanes first = *(const Lanes *)(block + at * COLUMNS);                                \
            const Lanes second = *(const Lanes *)(block + at * COLUMNS + LANES);                       \
            for (int row = 0; row < COUNT; row++) {                                                    \
                left[row] += a[row * a_stride + at] * first;                                           \
                right[row] += a[row * a_stride + at] * second;                                         \
            }                                                                                          \
        }                                                                                              \
        for (int row = 0; row < COUNT; row++)                                                          \
            for (int lane = 0; lane < LANES; lane++) {                                                 \
                out[row * out_stride + lane] = left[row][lane];                                        \
                out[row * out_stride + LANES + lane] = right[row][lane];                               \
            }                                                                                          \
    }

SOME(four_rows, ROWS)
SOME(one_row, 1)

/* Rows of `inner` numbers by a matrix of `columns` columns (a multiple of sixteen), aligned to 32 bytes, block by
 * block. Rows lie `a_stride` and `out_stride` numbers apart. */
ABREAST void hf_product(const float *a, ptrdiff_t a_stride, ptrdiff_t rows, const float *matrix, ptrdiff_t inner,
                        ptrdiff_t columns, float *out, ptrdiff_t out_stride) {
    for (ptrdiff_t column = 0; column < columns; column += COLUMNS) {
        const float *block = matrix + column * inner;
        ptrdiff_t row = 0;
        for (; row + ROWS <= rows; row += ROWS)
            four_rows(a + row * a_stride, a_stride, block, inner, out + row * out_stride + column, out_stride);
        for (; row < rows; row++)
            one_row(a + row * a_stride, a_stride, block, inner, out + row * out_stride + column, out_stride);
    }
}

/* Whether this processor has the instructions. */
int hf_products_fit_here(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
