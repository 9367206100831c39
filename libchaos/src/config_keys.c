// SPDX-License-Identifier: BSD-3-Clause
#include "config_keys.h"

#include <stddef.h>
#include <string.h>

#define MEMORY_MAX  (16u << 20) /* MiB: 16 TiB, the most that x86 addresses for Xen */
#define VCPUS_MAX   512         /* of one domain in Xen */

#define HVM_ONLY    "needs an HVM guest with a device model, which chaos does not build"
#define PASSTHROUGH "devices of the host are not passed through"
#define NO_BACK_END "there is no back-end for it"

/* clang-format off */
#define PARSE(key, function, field)                                                                \
    {.name = #key, .handling = CONFIG_SUPPORTED, .parse = function,                                \
     .offset = offsetof(struct config_target, field)}
#define NUMBER(key, field, low, high)                                                              \
    {.name = #key, .handling = CONFIG_SUPPORTED, .parse = config_parse_number,                     \
     .offset = offsetof(struct config_target, field), .min = (low), .max = (high)}
#define IGNORED(key)      {.name = #key, .handling = CONFIG_IGNORED}
#define NOTED(key, why)   {.name = #key, .handling = CONFIG_NOTED, .reason = why}
#define REFUSED(key, why) {.name = #key, .handling = CONFIG_REFUSED, .reason = why}

const struct config_key config_keys[] = {
    IGNORED(acpi),
    IGNORED(acpi_firmware),
    IGNORED(acpi_laptop_slate),
    IGNORED(acpi_s3),
    IGNORED(acpi_s4),
    IGNORED(altp2m),
    IGNORED(altp2mhvm),
    IGNORED(apic),
    REFUSED(bios, HVM_ONLY),
    REFUSED(bios_path_override, HVM_ONLY),
    REFUSED(boot, HVM_ONLY),
    REFUSED(bootloader, "boot loaders are not run: give kernel= and ramdisk="),
    REFUSED(bootloader_args, "boot loaders are not run: give kernel= and ramdisk="),
    PARSE(builder, config_parse_builder, config),
    PARSE(bus, config_parse_bus, config),
    NOTED(cap, "guests share the cpus as the scheduler sees fit: set it with xl sched-credit2"),
    REFUSED(channel, NO_BACK_END),
    PARSE(cmdline, config_parse_string, config.cmdline),
    NOTED(cpu_weight, "guests share the cpus as the scheduler sees fit: set it with xl sched-credit2"),
    NOTED(cpuid, "the guest keeps the defaults of Xen"),
    PARSE(cpus, config_parse_cpus, config.cpu_affinity),
    NOTED(cpus_soft, "only hard affinity is supported: cpus="),
    REFUSED(device_model, HVM_ONLY),
    REFUSED(device_model_args, HVM_ONLY),
    REFUSED(device_model_args_hvm, HVM_ONLY),
    REFUSED(device_model_args_pv, HVM_ONLY),
    REFUSED(device_model_override, HVM_ONLY),
    REFUSED(device_model_stubdomain_override, HVM_ONLY),
    REFUSED(device_model_stubdomain_seclabel, HVM_ONLY),
    REFUSED(device_model_user, HVM_ONLY),
    IGNORED(device_model_version),
    REFUSED(device_tree, PASSTHROUGH),
    PARSE(disk, config_parse_disks, config.disks),
    IGNORED(display),
    IGNORED(dm_restrict),
    REFUSED(driver_domain, "back-ends are in the control domain"),
    REFUSED(dtdev, PASSTHROUGH),
    REFUSED(e820_host, PASSTHROUGH),
    PARSE(extra, config_parse_text, extra),
    IGNORED(extratime),
    REFUSED(firmware, HVM_ONLY),
    IGNORED(firmware_override),
    REFUSED(gfx_passthru, HVM_ONLY),
    IGNORED(gic_version),
    IGNORED(hap),
    IGNORED(hdtype),
    IGNORED(hpet),
    REFUSED(init_seclabel, "security labels are not set: the guest would run without the one asked for"),
    REFUSED(iomem, PASSTHROUGH),
    REFUSED(ioports, PASSTHROUGH),
    REFUSED(irqs, PASSTHROUGH),
    PARSE(kernel, config_parse_path, config.kernel),
    REFUSED(keymap, HVM_ONLY),
    IGNORED(latency),
    NOTED(localtime, "the clock of guests is UTC"),
    NUMBER(max_event_channels, config.max_event_channels, 1, 131071),
    NUMBER(max_grant_frames, config.max_grant_frames, 1, 4096),
    NOTED(max_grant_version, "the guest keeps the defaults of Xen"),
    NOTED(max_maptrack_frames, "the guest keeps the defaults of Xen"),
    NUMBER(maxmem, maxmem_mib, 1, MEMORY_MAX),
    NUMBER(maxvcpus, maxvcpus, 1, VCPUS_MAX),
    IGNORED(mca_caps),
    NUMBER(memory, config.memory_mib, 1, MEMORY_MAX),
    IGNORED(mmio_hole),
    IGNORED(ms_vm_genid),
    IGNORED(msr_relaxed),
    PARSE(name, config_parse_name, config.name),
    IGNORED(nestedhvm),
    REFUSED(nographic, HVM_ONLY),
    IGNORED(nomigrate),
    IGNORED(nx),
    PARSE(on_crash, config_parse_action, config.on_crash),
    PARSE(on_poweroff, config_parse_action, config.on_poweroff),
    PARSE(on_reboot, config_parse_action, config.on_reboot),
    NOTED(on_soft_reset, "chaos looks only at poweroff, reboot and crash"),
    NOTED(on_watchdog, "chaos looks only at poweroff, reboot and crash"),
    IGNORED(oos),
    REFUSED(opengl, HVM_ONLY),
    REFUSED(p9, NO_BACK_END),
    IGNORED(pae),
    IGNORED(passthrough),
    REFUSED(pci, PASSTHROUGH),
    REFUSED(pci_msitranslate, PASSTHROUGH),
    REFUSED(pci_permissive, PASSTHROUGH),
    REFUSED(pci_power_mgmt, PASSTHROUGH),
    REFUSED(pci_seize, PASSTHROUGH),
    IGNORED(period),
    NOTED(pool, "guests start in the default cpu pool: move them with xl cpupool-migrate"),
    REFUSED(pvcalls, NO_BACK_END),
    REFUSED(pvshim, "needs a PVH guest; chaos builds PV guests without a shim"),
    REFUSED(pvshim_cmdline, "needs a PVH guest; chaos builds PV guests without a shim"),
    REFUSED(pvshim_extra, "needs a PVH guest; chaos builds PV guests without a shim"),
    REFUSED(pvshim_path, "needs a PVH guest; chaos builds PV guests without a shim"),
    PARSE(ramdisk, config_parse_path, config.ramdisk),
    IGNORED(rdm),
    IGNORED(rdm_mem_boundary),
    PARSE(root, config_parse_text, root),
    NOTED(rtc_timeoffset, "the clock of guests is UTC"),
    REFUSED(sdl, HVM_ONLY),
    REFUSED(seclabel, "security labels are not set: the guest would run without the one asked for"),
    REFUSED(serial, HVM_ONLY),
    IGNORED(shadow_memory),
    IGNORED(slice),
    IGNORED(smbios_firmware),
    REFUSED(soundhw, HVM_ONLY),
    REFUSED(spice, HVM_ONLY),
    REFUSED(spice_clipboard_sharing, HVM_ONLY),
    REFUSED(spice_image_compression, HVM_ONLY),
    REFUSED(spice_streaming_video, HVM_ONLY),
    REFUSED(spiceagent_mouse, HVM_ONLY),
    REFUSED(spicedisable_ticketing, HVM_ONLY),
    REFUSED(spicehost, HVM_ONLY),
    REFUSED(spicepasswd, HVM_ONLY),
    REFUSED(spiceport, HVM_ONLY),
    REFUSED(spicetls_port, HVM_ONLY),
    REFUSED(spiceusbredirection, HVM_ONLY),
    REFUSED(spicevdagent, HVM_ONLY),
    REFUSED(stdvga, HVM_ONLY),
    REFUSED(stubdomain_cmdline, HVM_ONLY),
    REFUSED(stubdomain_kernel, HVM_ONLY),
    REFUSED(stubdomain_memory, HVM_ONLY),
    REFUSED(stubdomain_ramdisk, HVM_ONLY),
    IGNORED(tee),
    IGNORED(timer_mode),
    NOTED(tsc_mode, "the guest keeps the defaults of Xen"),
    PARSE(type, config_parse_type, config),
    REFUSED(usb, HVM_ONLY),
    REFUSED(usbctrl, PASSTHROUGH),
    REFUSED(usbdev, PASSTHROUGH),
    REFUSED(usbdevice, HVM_ONLY),
    REFUSED(usbversion, HVM_ONLY),
    PARSE(uuid, config_parse_uuid, config.uuid),
    NUMBER(vcpus, config.vcpus, 1, VCPUS_MAX),
    REFUSED(vdispl, NO_BACK_END),
    IGNORED(vendor_device),
    REFUSED(vfb, NO_BACK_END),
    REFUSED(vga, HVM_ONLY),
    REFUSED(videoram, HVM_ONLY),
    PARSE(vif, config_parse_vifs, config.vifs),
    REFUSED(vif2, NO_BACK_END),
    IGNORED(viridian),
    REFUSED(vkb, NO_BACK_END),
    REFUSED(vkb_device, HVM_ONLY),
    NOTED(vmtrace_buf_kb, "chaos records no such trace"),
    REFUSED(vnc, HVM_ONLY),
    REFUSED(vncdisplay, HVM_ONLY),
    REFUSED(vnclisten, HVM_ONLY),
    REFUSED(vncpasswd, HVM_ONLY),
    REFUSED(vncunused, HVM_ONLY),
    IGNORED(vncviewer),
    REFUSED(vnuma, "NUMA placement is not supported"),
    NOTED(vpmu, "the guest keeps the defaults of Xen"),
    IGNORED(vpt_align),
    REFUSED(vsnd, NO_BACK_END),
    REFUSED(vtpm, NO_BACK_END),
    IGNORED(vuart),
    IGNORED(xauthority),
    IGNORED(xen_platform_pci),
    IGNORED(xend_suspend_evtchn_compat),
};
/* clang-format on */

const unsigned int config_nr_keys = sizeof(config_keys) / sizeof(config_keys[0]);

const struct config_key *config_key_find(const char *name)
{
    unsigned int low = 0, high = config_nr_keys;

    while (low < high) {
        unsigned int middle = (low + high) / 2;
        int order = strcmp(name, config_keys[middle].name);

        if (order == 0)
            return &config_keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
