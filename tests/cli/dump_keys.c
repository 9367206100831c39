// SPDX-License-Identifier: BSD-3-Clause
/* Prints the table of keys for test_man.sh: handling and name. */
#include <stdio.h>

#include "config_keys.h"

int main(void)
{
    static const char *const words[] = {
        [CONFIG_SUPPORTED] = "SUPPORTED KEYS",
        [CONFIG_IGNORED] = "IGNORED KEYS",
        [CONFIG_NOTED] = "KEYS WITHOUT EFFECT",
        [CONFIG_REFUSED] = "REFUSED KEYS",
    };

    for (unsigned int i = 0; i < config_nr_keys; i++)
        printf("%s\t%s\n", words[config_keys[i].handling], config_keys[i].name);
    return 0;
}
