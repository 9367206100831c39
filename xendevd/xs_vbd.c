// SPDX-License-Identifier: BSD-3-Clause
/* A disk of xen-blkback: a block device, or a file behind a loop device. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "xs_dev.h"

#define LOOP_CONTROL  "/dev/loop-control"
#define LOOP_ATTEMPTS 64  /* others take free ones, too */
#define OPEN_TRIES    400 /* until the back-end has opened the device */
#define OPEN_POLL_US  500

/*
 * A loop device for the file, open; it goes when the last who has it open closes it. Negative
 * errno.
 */
static int attach_loop(int file, const char *path, bool readonly)
{
    struct loop_config config = {
        .fd = (unsigned int)file,
        .info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0),
    };
    int control = open(LOOP_CONTROL, O_RDWR | O_CLOEXEC), loop = -1, rc = -EBUSY;
    char name[32];

    if (control < 0)
        return -errno;
    strncpy((char *)config.info.lo_file_name, path, sizeof(config.info.lo_file_name) - 1);
    for (int i = 0; i < LOOP_ATTEMPTS && rc == -EBUSY; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        rc = number < 0 ? -errno : 0;
        snprintf(name, sizeof(name), "/dev/loop%d", number);
        loop = rc < 0 ? -1 : open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (rc == 0 && loop < 0)
            rc = -errno;
        if (rc == 0 && ioctl(loop, LOOP_CONFIGURE, &config) < 0) {
            rc = -errno;
            close(loop);
        }
    }
    close(control);
    return rc < 0 ? rc : loop;
}

/* What the back-end is to open. *hold: an open loop device, or -1. */
static bool find_device(const struct xs_device *device, const char *path, bool readonly, dev_t *out,
                        int *hold)
{
    int file = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (file < 0 || fstat(file, &st) < 0) {
        xs_dev_fail(device, "cannot open \"%s\": %s", path, strerror(errno));
    } else if (S_ISBLK(st.st_mode)) {
        *out = st.st_rdev;
        close(file);
        return true;
    } else if (!S_ISREG(st.st_mode)) {
        xs_dev_fail(device, "\"%s\" is neither a file nor a block device", path);
    } else if (flock(file, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
        /* The loop device holds the open file, and so the lock, for as long as it is there. */
        xs_dev_fail(device, "\"%s\" is used by another guest", path);
    } else if ((*hold = attach_loop(file, path, readonly)) < 0 || fstat(*hold, &st) < 0) {
        xs_dev_fail(device, "no loop device for \"%s\": %s", path,
                    strerror(*hold < 0 ? -*hold : errno));
    } else {
        *out = st.st_rdev;
        close(file);
        return true;
    }
    if (file >= 0)
        close(file);
    return false;
}

/* The back-end has the device open: it has attributes of its own in sysfs then. */
static bool is_open(const struct xs_device *device, int tries)
{
    const struct timespec pause = {.tv_nsec = OPEN_POLL_US * 1000};
    char path[96];

    snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/vbd-%u-%u/physical_device",
             device->domid, device->id);
    while (access(path, F_OK) != 0) {
        if (--tries <= 0)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool give_device(const struct xs_device *device, dev_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%x:%x", major(number), minor(number));
    if (!xs_dev_write(device, "physical-device", text))
        return false;
    if (is_open(device, OPEN_TRIES))
        return true;
    xs_dev_fail(device, "the kernel's back-end does not take block device %s: see dmesg", text);
    return false;
}

bool xs_vbd_set_up(const struct xs_device *device)
{
    char *path, *mode;
    int hold = -1;
    dev_t number;
    bool good;

    if (is_open(device, 1)) /* only that had not been said yet */
        return true;
    path = xs_dev_read(device, "params");
    mode = xs_dev_read(device, "mode");
    good = path && mode && find_device(device, path, *mode != 'w', &number, &hold) &&
           give_device(device, number);

    if (hold >= 0)
        close(hold);
    free(path);
    free(mode);
    return good;
}
