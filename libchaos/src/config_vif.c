// SPDX-License-Identifier: BSD-3-Clause
/* vif: a list of "key=value,..." strings; stricter than xl, which takes half a MAC address. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "config_keys.h"
#include "config_vif.h"
#include "nearest.h"

#define DEFAULT_BRIDGE "xenbr0"

struct scan {
    struct config_report *report;
    struct config_place place;
    unsigned int index; /* in the list, for messages */
    struct chaos_vif_config *vif;
    bool *given; /* by the place of the key in the table */
};

struct vif_key {
    const char *name;
    bool (*parse)(struct scan *s, const char *value); /* NULL: see reason */
    const char *reason;                               /* NULL: ignored */
};

static bool fault(struct scan *s, const char *key, const char *value, const char *why)
{
    config_error(s->report, s->place, "vif %u: %s=%.40s %s", s->index, key, value, why);
    return false;
}

static int hex_pair(const char *text)
{
    int value = 0;

    for (int i = 0; i < 2; i++) {
        char c = text[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            value = value * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return value;
}

static bool parse_mac(struct scan *s, const char *value)
{
    static const uint8_t zero[6];
    uint8_t mac[6];

    if (strlen(value) != 17)
        return fault(s, "mac", value, "is not of the form xx:xx:xx:xx:xx:xx");
    for (unsigned int i = 0; i < 6; i++) {
        int byte = hex_pair(value + i * 3);

        if (byte < 0 || (i < 5 && value[i * 3 + 2] != ':'))
            return fault(s, "mac", value, "is not of the form xx:xx:xx:xx:xx:xx");
        mac[i] = (uint8_t)byte;
    }
    if (mac[0] & 1)
        return fault(s, "mac", value, "is a multicast address");
    if (memcmp(mac, zero, sizeof(mac)) == 0)
        return fault(s, "mac", value, "is all zero");
    memcpy(s->vif->mac, mac, sizeof(mac));
    return true;
}

/* What Linux takes as the name of a network device. */
static bool parse_ifname(struct scan *s, const char *key, const char *value, char out[16])
{
    size_t length = strlen(value);

    if (length == 0)
        return fault(s, key, value, "is empty");
    if (length > 15)
        return fault(s, key, value, "is longer than 15 bytes");
    if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0 || strpbrk(value, "/:% \t\n\r\v\f"))
        return fault(s, key, value, "cannot name a network device");
    memcpy(out, value, length + 1);
    return true;
}

static bool parse_bridge(struct scan *s, const char *value)
{
    return parse_ifname(s, "bridge", value, s->vif->bridge);
}

static bool parse_vifname(struct scan *s, const char *value)
{
    return parse_ifname(s, "vifname", value, s->vif->ifname);
}

static bool parse_bounded(struct scan *s, const char *key, const char *value, uint64_t min,
                          uint64_t max, uint16_t *out)
{
    uint64_t number;

    if (!config_number(value, &number)) {
        return fault(s, key, value, "is not a number");
    } else if (number < min || number > max) {
        config_error(s->report, s->place, "vif %u: %s=%s is not from %" PRIu64 " to %" PRIu64,
                     s->index, key, value, min, max);
        return false;
    }
    *out = (uint16_t)number;
    return true;
}

static bool parse_mtu(struct scan *s, const char *value)
{
    return parse_bounded(s, "mtu", value, 68, 65521, &s->vif->mtu);
}

static bool parse_devid(struct scan *s, const char *value)
{
    return parse_bounded(s, "devid", value, 0, 0xfffe, &s->vif->id);
}

static bool parse_ip(struct scan *s, const char *value)
{
    char address[INET_ADDRSTRLEN];
    const char *slash = strchr(value, '/');
    size_t length = slash ? (size_t)(slash - value) : strlen(value);
    uint16_t prefix = 0;
    struct in_addr ip;
    uint32_t host;

    if (length >= sizeof(address))
        return fault(s, "ip", value, "is not one IPv4 address (A.B.C.D or A.B.C.D/LENGTH)");
    memcpy(address, value, length);
    address[length] = '\0';
    if (inet_pton(AF_INET, address, &ip) != 1)
        return fault(s, "ip", value, "is not one IPv4 address (A.B.C.D or A.B.C.D/LENGTH)");
    host = ntohl(ip.s_addr);
    if (host >> 24 == 0 || host >> 24 == 127 || host >= 0xe0000000)
        return fault(s, "ip", value, "is no address of a host");
    if (slash && !parse_bounded(s, "ip prefix length", slash + 1, 1, 32, &prefix))
        return false;
    s->vif->ipv4 = ip.s_addr;
    s->vif->ipv4_prefix = prefix;
    return true;
}

static bool parse_type(struct scan *s, const char *value)
{
    if (strcmp(value, "vif") == 0)
        return true;
    return fault(s, "type", value, "needs an HVM guest: leave it out");
}

/* xl's default script does what xendevd does. */
static bool parse_script(struct scan *s, const char *value)
{
    const char *slash = strrchr(value, '/');

    if (strcmp(slash ? slash + 1 : value, "vif-bridge") == 0)
        return true;
    return fault(s, "script", value, "is not run: xendevd puts the vif on its bridge");
}

static bool parse_backend(struct scan *s, const char *value)
{
    if (strcmp(value, "0") == 0 || strcmp(value, "Domain-0") == 0)
        return true;
    return fault(s, "backend", value, "is not supported: back-ends are in the control domain");
}

static const struct vif_key vif_keys[] = {
    {"mac", parse_mac, NULL},
    {"bridge", parse_bridge, NULL},
    {"ip", parse_ip, NULL},
    {"mtu", parse_mtu, NULL},
    {"vifname", parse_vifname, NULL},
    {"devid", parse_devid, NULL},
    {"type", parse_type, NULL},
    {"script", parse_script, NULL},
    {"backend", parse_backend, NULL},
    {"trusted", NULL, NULL},
    {"untrusted", NULL, "is not supported: leave it out"},
    {"model", NULL, "needs an HVM guest: leave it out"},
    {"rate", NULL, "is not supported: limit the vif with tc(8)"},
    {"gatewaydev", NULL, "is not supported: vifs are put on bridges (bridge=)"},
    {"netdev", NULL, "is not supported: vifs are put on bridges (bridge=)"},
};

#define NR_VIF_KEYS (sizeof(vif_keys) / sizeof(vif_keys[0]))

static bool unknown_key(struct scan *s, const char *name)
{
    struct nearest n;

    nearest_init(&n, name);
    for (size_t i = 0; i < NR_VIF_KEYS; i++)
        nearest_offer(&n, vif_keys[i].name);
    if (n.best)
        config_error(s->report, s->place, "vif %u: '%.40s' is not known (did you mean '%s'?)",
                     s->index, name, n.best);
    else
        config_error(s->report, s->place, "vif %u: '%.40s' is not known", s->index, name);
    return false;
}

/* One "key=value" or "flag". */
static bool parse_token(struct scan *s, const char *token)
{
    char name[64];
    size_t length = strcspn(token, "=");
    const char *value = token[length] ? token + length + 1 : "";

    if (length >= sizeof(name))
        length = sizeof(name) - 1;
    memcpy(name, token, length);
    name[length] = '\0';
    for (size_t i = 0; i < NR_VIF_KEYS; i++) {
        const struct vif_key *key = &vif_keys[i];

        if (strcmp(key->name, name) != 0)
            continue;
        if (s->given[i])
            return fault(s, name, value, "is given twice");
        s->given[i] = true;
        if (key->parse)
            return key->parse(s, value);
        return !key->reason || fault(s, name, value, key->reason);
    }
    return unknown_key(s, name);
}

bool config_vif_parse(struct config_report *report, struct config_place place, unsigned int index,
                      const char *spec, struct chaos_vif_config *vif)
{
    bool given[NR_VIF_KEYS] = {false}, ok = true;
    struct scan s = {report, place, index, vif, given};
    char token[256];

    memset(vif, 0, sizeof(*vif));
    vif->id = (uint16_t)index;
    strcpy(vif->bridge, DEFAULT_BRIDGE);
    for (const char *at = spec + strspn(spec, ", \t"); ok && *at; at += strspn(at, ", \t")) {
        size_t length = strcspn(at, ",");
        const char *next = at + length;

        while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
            length--;
        if (length >= sizeof(token)) {
            config_error(report, place, "vif %u: '%.40s...' is too long", index, at);
            return false;
        }
        memcpy(token, at, length);
        token[length] = '\0';
        if (length)
            ok = parse_token(&s, token);
        at = next;
    }
    return ok;
}

static bool same_mac(const struct chaos_vif_config *a, const struct chaos_vif_config *b)
{
    static const uint8_t none[6];

    return memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 && memcmp(a->mac, none, sizeof(none)) != 0;
}

/* What no two vifs of a guest may share. */
static bool check_unique(struct config_report *report, struct config_place place,
                         const struct chaos_vif_config *vifs, unsigned int nr)
{
    const struct chaos_vif_config *last = &vifs[nr - 1];

    for (unsigned int i = 0; i + 1 < nr; i++) {
        const char *shared = same_mac(&vifs[i], last) ? "mac"
                             : vifs[i].id == last->id ? "devid"
                             : last->ifname[0] && strcmp(vifs[i].ifname, last->ifname) == 0
                                 ? "vifname"
                                 : NULL;

        if (shared) {
            config_error(report, place, "vif %u and vif %u have the same %s", i, nr - 1, shared);
            return false;
        }
    }
    return true;
}

void config_parse_vifs(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    struct chaos_config *config = &target->config;

    if (!setting->value->is_list) {
        config_error(target->report, setting->place,
                     "%s: takes a list: %s=[ 'bridge=" DEFAULT_BRIDGE "' ]", key->name, key->name);
        return;
    }
    for (const struct config_value *v = setting->value->first; v; v = v->next) {
        struct config_place place = {setting->place.source, setting->place.line ? v->line : 0};
        unsigned int index = config->nr_vifs;

        if (index == CHAOS_VIFS_MAX) {
            config_error(target->report, place, "%s: there are more than %d", key->name,
                         CHAOS_VIFS_MAX);
            return;
        }
        if (v->is_list) {
            config_error(target->report, place, "vif %u: is a list; it should be a string", index);
            return;
        }
        if (!config_vif_parse(target->report, place, index, v->string, &config->vifs[index]))
            return;
        config->nr_vifs++;
        if (!check_unique(target->report, place, config->vifs, config->nr_vifs))
            return;
    }
}
