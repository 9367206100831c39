// SPDX-License-Identifier: BSD-3-Clause
#include "config_value.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)32 * 1024)

void config_arena_init(struct config_arena *arena)
{
    arena->chunks = NULL;
    arena->next = (char *)arena->first;
    arena->room = sizeof(arena->first);
}

void *config_arena_alloc(struct config_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    void *result;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (size > arena->room) {
        size_t bytes = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        struct config_arena_chunk *chunk = malloc(sizeof(*chunk) + bytes);

        if (!chunk)
            return NULL;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->next = (char *)chunk->bytes;
        arena->room = bytes;
    }
    result = arena->next;
    arena->next += size;
    arena->room -= size;
    return result;
}

void config_arena_free(struct config_arena *arena)
{
    while (arena->chunks) {
        struct config_arena_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
}

void config_document_init(struct config_document *document, struct config_report *report)
{
    config_arena_init(&document->arena);
    document->report = report;
    document->settings = NULL;
    document->tail = &document->settings;
    document->nr_settings = document->nr_values = 0;
}

void config_document_free(struct config_document *document)
{
    config_arena_free(&document->arena);
}

struct config_setting *config_document_find(struct config_document *document, const char *name)
{
    for (struct config_setting *s = document->settings; s; s = s->next)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}
