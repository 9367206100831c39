// SPDX-License-Identifier: BSD-3-Clause
/* Streams as they are, and again with good checksums, which no fuzzer finds. */
#include <stdlib.h>
#include <string.h>

#include "checkpoint_maker.h"
#include "checkpoint_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct maker_bytes *bytes)
{
    static struct checkpoint_reader reader;
    struct chaos_checkpoint summary;
    struct chaos_error err = {0};
    int rc;

    bytes->read = 0;
    rc = checkpoint_open(&reader, maker_read, bytes, &err);
    if (rc == 0)
        rc = checkpoint_check(&reader, &err);
    if (rc < 0 && (rc != err.code || strncmp(err.text, "byte ", 5) != 0))
        abort();
    if (rc == 0 &&
        (reader.stream.offset != bytes->length || reader.told_pages != reader.domain.pages))
        abort();
    if (rc == 0)
        checkpoint_summary(&reader, &summary, &err);
    checkpoint_release(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct maker_bytes bytes;

    if (size > sizeof(bytes.bytes))
        return 0;
    memcpy(bytes.bytes, data, size);
    bytes.length = size;
    read_all(&bytes);
    maker_sign(&bytes);
    read_all(&bytes);
    return 0;
}
