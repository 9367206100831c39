// SPDX-License-Identifier: BSD-3-Clause
#include "watch_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a: names are chosen by whoever may create guests, who can do worse than slow us down. */
static uint32_t slot(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (hash ^ hash >> 16) % GUEST_SLOTS;
}

struct guest *guest_by_name(const struct guest_table *table, const char *name)
{
    struct guest *guest = table->by_name[slot(name)];

    while (guest && strcmp(guest->name, name) != 0)
        guest = guest->next_of_name;
    return guest;
}

struct guest *guest_by_domid(const struct guest_table *table, uint32_t domid)
{
    return domid < GUEST_DOMIDS ? table->by_domid[domid] : NULL;
}

static void put_name(struct guest_table *table, struct guest *guest, const char *name)
{
    struct guest **head = &table->by_name[slot(name)];

    snprintf(guest->name, sizeof(guest->name), "%s", name);
    guest->next_of_name = *head;
    *head = guest;
}

static void take_name(struct guest_table *table, struct guest *guest)
{
    struct guest **link = &table->by_name[slot(guest->name)];

    while (*link != guest)
        link = &(*link)->next_of_name;
    *link = guest->next_of_name;
}

struct guest *guest_add(struct guest_table *table, const char *name)
{
    struct guest *guest = calloc(1, sizeof(*guest));

    if (!guest)
        return NULL;
    put_name(table, guest, name);
    guest->next = table->first;
    guest->link = &table->first;
    if (guest->next)
        guest->next->link = &guest->next;
    table->first = guest;
    table->nr++;
    return guest;
}

void guest_remove(struct guest_table *table, struct guest *guest)
{
    guest_set_domain(table, guest, 0, NULL);
    take_name(table, guest);
    *guest->link = guest->next;
    if (guest->next)
        guest->next->link = guest->link;
    table->nr--;
    free(guest);
}

void guest_set_name(struct guest_table *table, struct guest *guest, const char *name)
{
    take_name(table, guest);
    put_name(table, guest, name);
}

void guest_set_domain(struct guest_table *table, struct guest *guest, uint32_t domid,
                      const uint8_t uuid[16])
{
    if (guest->domid != 0 && table->by_domid[guest->domid] == guest)
        table->by_domid[guest->domid] = NULL;
    guest->domid = domid < GUEST_DOMIDS ? domid : 0;
    if (guest->domid == 0)
        return;
    table->by_domid[guest->domid] = guest;
    memcpy(guest->uuid, uuid, sizeof(guest->uuid));
}
