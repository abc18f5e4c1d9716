/*
 * Requests to clocks of network cards, general purpose pins, counters and disks, and those whose memory has structures
 * behind each other, or is to be zero before.
 */
#include "calls.h"

#include <linux/audit.h>
#include <linux/counter.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/gpio.h>
#include <linux/hdreg.h>
#include <linux/ptp_clock.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

/* To no descriptor: what is given is shown all the same. */
static void ask(unsigned long request, const void *argument)
{
	CALL(ioctl, -1, request, argument);
	CALL(ioctl, -1, request, NULL);
	CALL(ioctl, -1, request, BAD);
}

static void clocks(void)
{
	struct ptp_extts_request edges = { .index = 3, .flags = PTP_ENABLE_FEATURE | 0x100, .rsv = { 0, 7 } };
	struct ptp_perout_request pulses = {
		.start = { 1234567890, 5, 0 }, .period = { 0, 500000000, 9 }, .index = 1, .rsv = { 0, 0, 1, 0 },
	};
	struct ptp_sys_offset offset = { .n_samples = 2 };
	struct ptp_sys_offset_extended extended = { .n_samples = 2, .rsv = { 1 } };
	struct ptp_pin_desc pin = { .name = "pin", .index = 4, .func = PTP_PF_PEROUT, .chan = 2, .rsv = { 6 } };

	ask(PTP_CLOCK_GETCAPS, &pin);
	ask(PTP_EXTTS_REQUEST, &edges);
	ask(PTP_EXTTS_REQUEST2, &edges);
	ask(PTP_PEROUT_REQUEST, &pulses);
	ask(PTP_PEROUT_REQUEST2, &pulses);
	pulses.flags = PTP_PEROUT_PHASE | PTP_PEROUT_DUTY_CYCLE;
	ask(PTP_PEROUT_REQUEST2, &pulses);
	pulses.flags = 0x80;
	ask(PTP_PEROUT_REQUEST2, &pulses);
	CALL(ioctl, -1, PTP_ENABLE_PPS, 1);
	ask(PTP_SYS_OFFSET_PRECISE, &extended);
	CALL(ioctl, -1, PTP_SYS_OFFSET, &offset);
	CALL(ioctl, -1, PTP_SYS_OFFSET_EXTENDED2, &extended);
	CALL(ioctl, -1, PTP_PIN_GETFUNC, &pin);
	CALL(ioctl, -1, PTP_PIN_GETFUNC2, &pin);
	ask(PTP_PIN_SETFUNC, &pin);
	ask(PTP_PIN_SETFUNC2, &pin);
	ask(_IO(PTP_CLK_MAGIC, 99), &pin);
}

static void pins(void)
{
	struct gpioline_info line = { .line_offset = 7 };
	struct gpiohandle_request handle = {
		.lines = 70, .lineoffsets = { 1, 2, 3 }, .flags = GPIOHANDLE_REQUEST_OUTPUT | 0x1000,
		.default_values = { 1, 0, 1 }, .consumer_label = "a label",
	};
	struct gpioevent_request event = { .lineoffset = 5, .eventflags = GPIOEVENT_REQUEST_BOTH_EDGES };
	struct gpiohandle_data data = { { 1, 2, 3 } };
	struct gpiohandle_config config = { .flags = GPIOHANDLE_REQUEST_BIAS_DISABLE, .default_values = { 9 } };
	struct gpio_v2_line_request request = {
		.offsets = { 4, 5 }, .consumer = "another", .num_lines = 2, .event_buffer_size = 16,
		.padding = { 0, 3 },
		.config = { .flags = GPIO_V2_LINE_FLAG_INPUT, .num_attrs = 5, .attrs = {
			{ { .id = GPIO_V2_LINE_ATTR_ID_FLAGS, .flags = GPIO_V2_LINE_FLAG_OUTPUT }, 1 },
			{ { .id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, .values = 6 }, 2 },
			{ { .id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE, .debounce_period_us = 50 }, 3 },
			{ { .id = 77, .values = 8 }, 4 },
			{ { .id = GPIO_V2_LINE_ATTR_ID_FLAGS, .padding = 1, .values = 8 }, 5 },
		} },
	};
	struct gpio_v2_line_info info = { .offset = 3 };
	struct gpio_v2_line_values values = { 5, 7 };
	unsigned offset = 12;

	ask(GPIO_GET_CHIPINFO_IOCTL, &line);
	ask(GPIO_GET_LINEINFO_IOCTL, &line);
	ask(GPIO_GET_LINEINFO_UNWATCH_IOCTL, &offset);
	ask(GPIO_GET_LINEHANDLE_IOCTL, &handle);
	ask(GPIO_GET_LINEEVENT_IOCTL, &event);
	ask(GPIOHANDLE_GET_LINE_VALUES_IOCTL, &data);
	ask(GPIOHANDLE_SET_LINE_VALUES_IOCTL, &data);
	ask(GPIOHANDLE_SET_CONFIG_IOCTL, &config);
	ask(GPIO_V2_GET_LINEINFO_IOCTL, &info);
	ask(GPIO_V2_GET_LINE_IOCTL, &request);
	ask(GPIO_V2_LINE_GET_VALUES_IOCTL, &values);
	ask(GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
	ask(GPIO_V2_LINE_SET_CONFIG_IOCTL, &request.config);
}

static void counters(void)
{
	struct counter_watch watch = {
		.component = { COUNTER_COMPONENT_EXTENSION, COUNTER_SCOPE_COUNT, 1, 2 }, .event = 9, .channel = 3,
	};

	ask(COUNTER_ADD_WATCH_IOCTL, &watch);
	CALL(ioctl, -1, COUNTER_ENABLE_EVENTS_IOCTL, POISON);
	CALL(ioctl, -1, _IO(0x3e, 99), 0l);
}

static void disks(void)
{
	static unsigned char command[516] = { 0xca, 1, 2, 3, 4, 5 };
	unsigned registers[3] = { 1, 0, 0xdeadbeef };
	unsigned long nice[] = { 5 };

	ask(HDIO_DRIVE_CMD, command);
	command[3] = 1;
	ask(HDIO_DRIVE_CMD, command);
	command[0] = 0x80;
	CALL(ioctl, -1, HDIO_DRIVE_CMD, command);
	CALL(ioctl, -1, HDIO_DRIVE_TASK, 5l);
	ask(HDIO_DRIVE_RESET, registers);
	CALL(ioctl, -1, HDIO_UNREGISTER_HWIF, 20l);
	CALL(ioctl, -1, HDIO_GET_IDENTITY, command);
	CALL(ioctl, -1, HDIO_SET_BUSSTATE, 2l);
	CALL(ioctl, -1, HDIO_SET_BUSSTATE, 9l);
	CALL(ioctl, -1, HDIO_GET_BUSSTATE, command);
	CALL(ioctl, -1, HDIO_SET_NICE, 0x3fl);
	CALL(ioctl, -1, HDIO_SET_NICE, 0x40l);
	CALL(ioctl, -1, HDIO_GET_NICE, nice);
}

/* A file's extents come behind the structure that says how many they are. */
static void extents(void)
{
	static uint64_t memory[4 + 2 * 7] = { 1, 2, 0x200000001, 3, 10, 20, 30, 0, 0, FIEMAP_EXTENT_LAST | 0x8000 };
	struct fiemap *map = (struct fiemap *)memory, *end;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 4096, 4096);
	end = (struct fiemap *)(page + 4096 - sizeof(*end));

	ask(FS_IOC_FIEMAP, map);
	map->fm_mapped_extents = 0;
	ask(FS_IOC_FIEMAP, map);
	end->fm_mapped_extents = 1;
	ask(FS_IOC_FIEMAP, end);
}

/* What the kernel wants to be zero before. */
static void notices(void)
{
	struct seccomp_notif notice = { 0 };

	ask(SECCOMP_IOCTL_NOTIF_RECV, &notice);
	notice.data.nr = SYS_gettid;
	notice.data.arch = AUDIT_ARCH_X86_64;
	ask(SECCOMP_IOCTL_NOTIF_RECV, &notice);
}

int main(void)
{
	clocks();
	pins();
	counters();
	disks();
	extents();
	notices();
	return 0;
}
