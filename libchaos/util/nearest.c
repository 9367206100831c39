// SPDX-License-Identifier: BSD-3-Clause
#include "nearest.h"

#include <string.h>

#define WORD_MAX 32 /* longer words are not compared: nobody mistypes those into these */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
    unsigned int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Edit distance in which swapping two neighbouring letters counts as one edit. */
static unsigned int distance(const char *a, size_t la, const char *b, size_t lb)
{
    unsigned int rows[3][WORD_MAX + 1] = {0};

    for (unsigned int j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        unsigned int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = (unsigned int)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned int change = above[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = min3(above[j] + 1, row[j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[la % 3][lb];
}

void nearest_init(struct nearest *n, const char *word)
{
    n->word = word;
    n->best = NULL;
    n->distance = 3; /* only what is nearer than this is a likely slip */
}

void nearest_offer(struct nearest *n, const char *candidate)
{
    size_t lw = strlen(n->word), lc = strlen(candidate);
    unsigned int d;

    if (lw == 0 || lw > WORD_MAX || lc == 0 || lc > WORD_MAX)
        return;
    d = distance(n->word, lw, candidate, lc);
    /* Short words: most of the letters must be right, or "x" would be near to everything. */
    if (d < n->distance && d * 2 < (lw > lc ? lw : lc)) {
        n->best = candidate;
        n->distance = d;
    }
}
