// SPDX-License-Identifier: BSD-3-Clause
#include "holds.h"

#include <string.h>

#include "watch_table.h"

void hold_add(struct daemon *daemon, struct hold *hold)
{
    hold->next = daemon->holds;
    daemon->holds = hold;
}

void hold_remove(struct daemon *daemon, struct hold *hold)
{
    struct hold **link = &daemon->holds;

    while (*link != hold)
        link = &(*link)->next;
    *link = hold->next;
}

bool hold_is_of(const struct hold *hold, const struct guest *guest)
{
    return guest->domid != 0 && hold->domid == guest->domid &&
           memcmp(hold->uuid, guest->uuid, sizeof(guest->uuid)) == 0;
}

const struct hold *hold_find(const struct daemon *daemon, const struct guest *guest)
{
    const struct hold *hold = daemon->holds;

    while (hold && !hold_is_of(hold, guest))
        hold = hold->next;
    return hold;
}
