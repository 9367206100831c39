/* SPDX-License-Identifier: BSD-3-Clause */
/* The process that guests are compared with: a static binary that does nothing. */
int main(void)
{
    return 0;
}
