// SPDX-License-Identifier: BSD-3-Clause
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"

#define FIRST_LINE   "chaos-record 1\n"
#define SEPARATOR    "--\n"
#define FORMER       "was "
#define DIGITS       16u
#define ZEROS        "0000000000000000"

/* First in the configuration, where it is found without parsing all of it. */
#define BUS_NOXS     "bus=\"noxs\"\n"
#define BUS_XENSTORE "bus=\"xenstore\"\n"

void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    unsigned int i;

    for (i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[uuid[i] >> 4];
        *text++ = digits[uuid[i] & 15];
    }
    *text = '\0';
}

bool uuid_parse(const char *text, uint8_t uuid[16])
{
    uint8_t out[16];
    unsigned int i;
    int high, low;

    for (i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return false;
        high = hex_digit(*text);
        low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text != '\0')
        return false;
    memcpy(uuid, out, sizeof(out));
    return true;
}

void uuid_mark_random(uint8_t uuid[16])
{
    uuid[6] = (uuid[6] & 0x0f) | 0x40; /* version 4, */
    uuid[8] = (uuid[8] & 0x3f) | 0x80; /* variant 1 */
}

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c != '"' && c != '\'' && c != '\\';
}

/* For a string in quotes of either kind. */
static void add_escaped(struct text *text, const char *value)
{
    for (;; value++) {
        const char *plain = value;
        unsigned char c;

        while (is_plain((unsigned char)*value))
            value++;
        text_add(text, plain, (size_t)(value - plain));
        c = (unsigned char)*value;
        if (c == '\0')
            return;
        text_char(text, '\\');
        if (c >= ' ') {
            text_char(text, *value);
        } else { /* octal, always of three digits */
            text_char(text, (char)('0' + (c >> 6)));
            text_char(text, (char)('0' + (c >> 3 & 7)));
            text_char(text, (char)('0' + (c & 7)));
        }
    }
}

static void add_quoted(struct text *text, const char *key, const char *value)
{
    text_string(text, key);
    text_string(text, "=\"");
    add_escaped(text, value);
    text_string(text, "\"\n");
}

static void add_number(struct text *text, const char *key, uint64_t value)
{
    text_string(text, key);
    text_char(text, '=');
    text_unsigned(text, value);
    text_char(text, '\n');
}

static void add_action(struct text *text, const char *key, enum chaos_action action)
{
    static const char *const names[] = {[CHAOS_ACTION_DESTROY] = "destroy",
                                        [CHAOS_ACTION_RESTART] = "restart",
                                        [CHAOS_ACTION_PRESERVE] = "preserve"};

    add_quoted(text, key, names[action]);
}

static void add_cpus(struct text *text, const struct chaos_config *config)
{
    unsigned int cpu, nr = 0;

    for (cpu = 0; cpu < 256; cpu++) {
        if (!(config->cpu_affinity[cpu / 64] >> cpu % 64 & 1))
            continue;
        text_string(text, nr++ ? "," : "cpus=\"");
        text_unsigned(text, cpu);
    }
    if (nr > 0)
        text_string(text, "\"\n");
}

static void add_mac(struct text *text, const uint8_t mac[6])
{
    static const char digits[] = "0123456789abcdef";
    unsigned int i;

    text_string(text, ",mac=");
    for (i = 0; i < 6; i++) {
        if (i > 0)
            text_char(text, ':');
        text_char(text, digits[mac[i] >> 4]);
        text_char(text, digits[mac[i] & 15]);
    }
}

static void add_vif(struct text *text, const struct chaos_vif_config *vif)
{
    static const uint8_t no_mac[6];
    const uint8_t *ip = (const uint8_t *)&vif->ipv4;
    unsigned int i;

    text_string(text, "'devid=");
    text_unsigned(text, vif->id);
    text_string(text, ",bridge=");
    text_string(text, vif->bridge);
    if (memcmp(vif->mac, no_mac, sizeof(no_mac)) != 0)
        add_mac(text, vif->mac);
    if (vif->mtu) {
        text_string(text, ",mtu=");
        text_unsigned(text, vif->mtu);
    }
    if (vif->ipv4) {
        for (i = 0; i < 4; i++) {
            text_string(text, i ? "." : ",ip=");
            text_unsigned(text, ip[i]);
        }
        if (vif->ipv4_prefix) {
            text_char(text, '/');
            text_unsigned(text, vif->ipv4_prefix);
        }
    }
    if (vif->ifname[0]) {
        text_string(text, ",vifname=");
        text_string(text, vif->ifname);
    }
    text_string(text, "',");
}

static void add_disk(struct text *text, const struct chaos_disk_config *disk)
{
    /* The target is last: it may have commas. */
    text_string(text, "'vdev=");
    text_string(text, disk->vdev);
    text_string(text, disk->readonly ? ",access=ro" : ",access=rw");
    text_string(text, disk->no_discard ? ",no-discard,target=" : ",discard,target=");
    add_escaped(text, disk->target);
    text_string(text, "',");
}

static void add_config(struct text *text, const struct chaos_config *config)
{
    unsigned int i;

    add_quoted(text, "name", config->name);
    add_quoted(text, "kernel", config->kernel);
    if (config->ramdisk)
        add_quoted(text, "ramdisk", config->ramdisk);
    if (config->cmdline[0])
        add_quoted(text, "cmdline", config->cmdline);
    add_number(text, "memory", config->memory_mib);
    add_number(text, "vcpus", config->vcpus);
    add_cpus(text, config);
    add_action(text, "on_poweroff", config->on_poweroff);
    add_action(text, "on_reboot", config->on_reboot);
    add_action(text, "on_crash", config->on_crash);
    if (config->max_event_channels)
        add_number(text, "max_event_channels", config->max_event_channels);
    if (config->max_grant_frames)
        add_number(text, "max_grant_frames", config->max_grant_frames);
    if (config->nr_vifs > 0) {
        text_string(text, "vif=[");
        for (i = 0; i < config->nr_vifs; i++)
            add_vif(text, &config->vifs[i]);
        text_string(text, "]\n");
    }
    if (config->nr_disks > 0) {
        text_string(text, "disk=[");
        for (i = 0; i < config->nr_disks; i++)
            add_disk(text, &config->disks[i]);
        text_string(text, "]\n");
    }
}

/* The header: numbers have leading zeros, so that they can be overwritten in place. */
#define HEADER_UUID  (sizeof(FIRST_LINE) - 1 + sizeof("uuid ") - 1)
#define HEADER_DOMID (HEADER_UUID + UUID_TEXT - 1 + sizeof("\ndomid ") - 1)
#define HEADER_FRAME (HEADER_DOMID + DIGITS + sizeof("\nconsole ") - 1)
#define HEADER_PORT  (HEADER_FRAME + DIGITS + 1)
#define HEADER_END   (HEADER_PORT + DIGITS)

_Static_assert(HEADER_END <= RECORD_HEADER, "the numbers lie in the header");

static void put_number(char *at, uint64_t value)
{
    unsigned int i;

    for (i = DIGITS; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
}

void record_update(char *text, const struct record *record)
{
    put_number(text + HEADER_DOMID, record->domid);
    put_number(text + HEADER_FRAME, record->console_frame);
    put_number(text + HEADER_PORT, record->console_port);
}

static const uint8_t no_uuid[16];

static bool has_former(const struct record *record)
{
    return memcmp(record->former_uuid, no_uuid, sizeof(no_uuid)) != 0;
}

bool record_is_of(const struct record *record, const uint8_t uuid[16])
{
    return memcmp(record->uuid, uuid, 16) == 0 ||
           (has_former(record) && memcmp(record->former_uuid, uuid, 16) == 0);
}

const uint8_t *record_first_uuid(const struct record *record)
{
    return has_former(record) ? record->former_uuid : record->uuid;
}

void record_begin(const struct record *record, enum chaos_bus bus, struct text *text)
{
    char uuid[UUID_TEXT];

    uuid_format(record->uuid, uuid);
    text_string(text, FIRST_LINE "uuid ");
    text_string(text, uuid);
    text_string(text, "\ndomid " ZEROS "\nconsole " ZEROS " " ZEROS "\n");
    if (text->bytes && !text->failed)
        record_update(text->bytes, record);
    if (has_former(record)) {
        uuid_format(record->former_uuid, uuid);
        text_string(text, FORMER);
        text_string(text, uuid);
        text_char(text, '\n');
    }
    text_string(text, SEPARATOR);
    text_string(text, bus == CHAOS_BUS_XENSTORE ? BUS_XENSTORE : BUS_NOXS);
}

int record_format(const struct record *record, const struct chaos_config *config, struct text *text,
                  struct chaos_error *err)
{
    char uuid[UUID_TEXT];

    record_begin(record, config->bus, text);
    add_config(text, config);
    uuid_format(record->uuid, uuid);
    add_quoted(text, "uuid", uuid);
    if (!text_end(text))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return 0;
}

static int unreadable(struct chaos_error *err)
{
    return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                           "its record is damaged, or of another version of chaos");
}

/* What is behind a decimal number; NULL: it is none, or too large. (strtoull costs as much as the
 * rest of a record.) */
static const char *parse_number(const char *at, uint64_t *out)
{
    const char *const first = at;
    uint64_t value = 0, digit;

    for (; *at >= '0' && *at <= '9'; at++) {
        digit = (uint64_t)(*at - '0');
        if (value > UINT64_MAX / 10 || (value == UINT64_MAX / 10 && digit > UINT64_MAX % 10))
            return NULL;
        value = value * 10 + digit;
    }
    *out = value;
    return at > first ? at : NULL;
}

/* "KEY NUMBER[ NUMBER]\n" */
static bool parse_numbers(const char *line, const char *key, uint64_t *first, uint64_t *second)
{
    const size_t length = strlen(key);
    const char *end;

    if (strncmp(line, key, length) != 0)
        return false;
    end = parse_number(line + length, first);
    if (end && second)
        end = *end == ' ' ? parse_number(end + 1, second) : NULL;
    return end && *end == '\n';
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}

/* "KEY UUID\n" */
static bool parse_uuid_line(const char *line, const char *key, uint8_t out[16])
{
    const size_t length = strlen(key);
    char uuid[UUID_TEXT];

    if (strncmp(line, key, length) != 0 || strnlen(line, length + UUID_TEXT) < length + UUID_TEXT)
        return false;
    memcpy(uuid, line + length, UUID_TEXT - 1);
    uuid[UUID_TEXT - 1] = '\0';
    return line[length + UUID_TEXT - 1] == '\n' && uuid_parse(uuid, out);
}

int record_parse(const char *text, size_t length, struct record *out, struct chaos_error *err)
{
    struct record record = {0};
    uint64_t domid, frame, port;
    const char *line = text;

    if (strlen(text) != length || strncmp(line, FIRST_LINE, sizeof(FIRST_LINE) - 1) != 0)
        return unreadable(err);
    line = next_line(line);
    if (!parse_uuid_line(line, "uuid ", record.uuid))
        return unreadable(err);
    line = next_line(line);
    if (!parse_numbers(line, "domid ", &domid, NULL) || domid >= 0x7ff0)
        return unreadable(err);
    line = next_line(line);
    if (!parse_numbers(line, "console ", &frame, &port) || port > UINT32_MAX)
        return unreadable(err);
    line = next_line(line);
    if (parse_uuid_line(line, FORMER, record.former_uuid))
        line = next_line(line);
    if (strncmp(line, SEPARATOR, sizeof(SEPARATOR) - 1) != 0)
        return unreadable(err);
    record.config = next_line(line);
    record.config_length = length - (size_t)(record.config - text);
    if (strncmp(record.config, BUS_XENSTORE, sizeof(BUS_XENSTORE) - 1) == 0)
        record.bus = CHAOS_BUS_XENSTORE;
    record.domid = (uint32_t)domid;
    record.console_frame = frame;
    record.console_port = (uint32_t)port;
    *out = record;
    return 0;
}

int record_config(const struct record *record, struct chaos_config *out, struct chaos_error *err)
{
    const struct chaos_config_options options = {0};

    return chaos_config_parse("the domain's record", record->config, record->config_length, NULL, 0,
                              &options, out, err);
}
