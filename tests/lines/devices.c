/*
 * Requests to devices, sockets and file systems: what ioctl(2) takes, and what it gives where that can be had.
 */
#include "calls.h"

#include <linux/blkpg.h>
#include <linux/blktrace_api.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/input.h>
#include <linux/kd.h>
#include <linux/loop.h>
#include <linux/nbd.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <linux/videodev2.h>
#include <linux/watchdog.h>
#include <net/if.h>
#include <scsi/sg.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* To no descriptor: what is given is shown all the same. */
static void ask(unsigned long request, const void *argument)
{
	CALL(ioctl, -1, request, argument);
	CALL(ioctl, -1, request, NULL);
	CALL(ioctl, -1, request, BAD);
}

/* Requests of which the name alone is known. */
static void names(void)
{
	static const unsigned named[] = {
		0x80200204 /* FDGETPRM */, 0x4e40 /* NVME_IOCTL_ID */, 0x4600 /* FBIOGET_VSCREENINFO */,
		0x3b64 /* VFIO_GET_API_VERSION */, 0x3b70 /* of three names */, 0x9360 /* AUTOFS_IOC_READY */,
		0xf507 /* F2FS_IOC_WRITE_CHECKPOINT */, 0x6801 /* HPET_IE_ON */, 0x400870a2 /* PPS_SETPARAMS */,
		0x3301 /* SNAPSHOT_FREEZE */, 0x40806685 /* FS_IOC_ENABLE_VERITY */, 0xae71 /* KVM_REINJECT_CONTROL */,
		0x80041284 /* BLKGETZONESZ */, 0x40101283 /* BLKRESETZONE */,
	};

	for (size_t i = 0; i < COUNT(named); i++)
		CALL(ioctl, -1, named[i], 5);
}

static void interfaces(void)
{
	static const unsigned long gets[] = {
		SIOCGIFADDR, SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFMAP, SIOCGIFMETRIC, SIOCGIFMTU,
		SIOCGIFNETMASK, SIOCGIFTXQLEN, SIOCGIFBRDADDR, SIOCGIFSLAVE,
	};
	static const unsigned long sets[] = {
		SIOCSIFADDR, SIOCSIFFLAGS, SIOCSIFHWADDR, SIOCSIFMAP, SIOCSIFMETRIC, SIOCSIFMTU, SIOCSIFNAME,
		SIOCSIFTXQLEN, SIOCSIFDSTADDR, SIOCADDMULTI, SIOCBRADDIF,
	};
	struct ifreq request = { .ifr_name = "lo" }, all[64];
	struct ifconf room[] = { { 0, { NULL } }, { 40, { (char *)all } }, { sizeof(all), { (char *)all } },
				 { 41, { (char *)all } }, { 1, { (char *)all } }, { 40, { BAD } } };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), own = getpid();

	for (size_t i = 0; i < COUNT(gets); i++) {
		memset(&request, 0, sizeof(request));
		strcpy(request.ifr_name, "lo");
		CALL(ioctl, fd, gets[i], &request);
		strcpy(request.ifr_name, "nothing");
		CALL(ioctl, fd, gets[i], &request);
	}
	memset(request.ifr_name, 'x', sizeof(request.ifr_name));
	memset(&request.ifr_ifru, 0, sizeof(request.ifr_ifru));
	request.ifr_addr.sa_family = AF_INET;
	for (size_t i = 0; i < COUNT(sets); i++)
		ask(sets[i], &request);
	request.ifr_ifindex = 1;
	CALL(ioctl, fd, SIOCGIFNAME, &request);
	request.ifr_ifindex = 99999;
	CALL(ioctl, fd, SIOCGIFNAME, &request);
	for (size_t i = 0; i < COUNT(room); i++)
		CALL(ioctl, fd, SIOCGIFCONF, &room[i]);
	ask(SIOCGIFCONF, &room[1]);
	ask(SIOCBRADDBR, "bridge0\0\0\0\0\0\0\0\0");
	CALL(ioctl, fd, SIOCATMARK, &own);
	CALL(ioctl, fd, SIOCGPGRP, &own);
	own = 0;
	ask(FIOSETOWN, &own);
	close(fd);
}

static void block(void)
{
	struct loop_info64 info = { .lo_number = 3, .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN,
				    .lo_file_name = "image" };
	struct loop_config config = { .fd = 5, .block_size = 512, .info = info };
	struct loop_info old = { .lo_number = 3, .lo_name = "image" };
	struct blkpg_partition part = { 0, 1 << 20, 1, "", "" };
	struct blkpg_ioctl_arg pages = { BLKPG_ADD_PARTITION, 0, sizeof(part), &part };
	static const uint64_t range[] = { 4096, 8192 };
	struct fstrim_range trim = { 0, -1ull, 0 };
	struct fsxattr attributes = { .fsx_xflags = FS_XFLAG_APPEND };
	int number = 1024, fd = open(".", O_RDONLY);

	ask(LOOP_SET_STATUS64, &info);
	ask(LOOP_CONFIGURE, &config);
	ask(LOOP_SET_STATUS, &old);
	ask(LOOP_SET_FD, NULL);
	ask(LOOP_CLR_FD, NULL);
	ask(LOOP_CTL_GET_FREE, NULL);
	CALL(ioctl, -1, LOOP_CTL_ADD, 7);
	ask(BLKPG, &pages);
	ask(BLKDISCARD, range);
	ask(BLKBSZSET, &number);
	ask(BLKROGET, NULL);
	ask(BLKRRPART, NULL);
	CALL(ioctl, -1, BLKRASET, 256l);
	ask(FITRIM, &trim);
	ask(FIFREEZE, NULL);
	ask(FS_IOC_FSSETXATTR, &attributes);
	CALL(ioctl, fd, FS_IOC_FSGETXATTR, &attributes);
	ask(FS_IOC_SETFLAGS, "\20\0\0\0\0\0\0");
	close(fd);
}

static void others(void)
{
	struct rtc_time now = { 1, 2, 3, 4, 5, 106, 0, 0, 0 };
	struct rtc_wkalrm alarm = { 1, 0, now };
	int lines = TIOCM_DTR | TIOCM_RTS, seconds = 30, fd = open("/proc/self/ns/uts", O_RDONLY);
	unsigned long period = 1000;
	uid_t owner;

	ask(RTC_SET_TIME, &now);
	ask(RTC_WKALM_SET, &alarm);
	ask(RTC_RD_TIME, NULL);
	ask(RTC_AIE_ON, NULL);
	ask(RTC_UIE_OFF, NULL);
	CALL(ioctl, -1, RTC_IRQP_SET, 64l);
	ask(TIOCMSET, &lines);
	ask(TIOCMGET, &lines);
	ask(TIOCSTI, "x");
	ask(TIOCCBRK, NULL);
	ask(WDIOC_SETTIMEOUT, &seconds);
	ask(WDIOC_KEEPALIVE, NULL);
	ask(PERF_EVENT_IOC_PERIOD, &period);
	ask(PERF_EVENT_IOC_SET_FILTER, "common_pid != 0");
	CALL(ioctl, -1, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
	CALL(ioctl, -1, PERF_EVENT_IOC_REFRESH, 3);
	ask(RNDADDTOENTCNT, &seconds);
	ask(RNDCLEARPOOL, NULL);
	CALL(ioctl, -1, 0x40044900, 5); /* INOTIFY_IOC_SETNEXTWD */
	CALL(ioctl, fd, NS_GET_NSTYPE);
	CALL(ioctl, fd, NS_GET_OWNER_UID, &owner);
	close(CALL(ioctl, fd, NS_GET_USERNS));
	close(fd);
}

/* As asm/termbits.h has it, which cannot be had together with termios.h. */
struct speeds {
	unsigned iflag, oflag, cflag, lflag;
	unsigned char line, cc[19];
	unsigned ispeed, ospeed;
};

static void terminals(void)
{
	static const struct speeds speeds = { ICRNL | IXON, OPOST | ONLCR, B38400 | B1200 << 16 | CS8 | CREAD,
					      ISIG | ICANON | ECHO | TOSTOP | IEXTEN, 0, { 3, 28 }, 1200, 38400 };
	static const struct {
		unsigned short iflag, oflag, cflag, lflag;
		unsigned char line, cc[8];
	} old = { ICRNL, OPOST, B9600 | CS7 | CREAD, ISIG | ICANON, 0, { 3 } };

	ask(_IOW('T', 0x2b, struct speeds), &speeds); /* TCSETS2 */
	ask(_IOR('T', 0x2a, struct speeds), &speeds); /* TCGETS2 */
	ask(0x5406 /* TCSETA */, &old);
	CALL(ioctl, -1, KDSETMODE, KD_GRAPHICS);
	CALL(ioctl, -1, KDSKBMODE, K_UNICODE);
	CALL(ioctl, -1, KDSETLED, LED_NUM | LED_CAP);
	CALL(ioctl, -1, KDSIGACCEPT, SIGHUP);
	CALL(ioctl, -1, KDENABIO);
	ask(KDGKBMODE, &old);
}

static void more(void)
{
	struct seccomp_notif_resp answer = { 5, 0, -ENOSYS, SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	struct seccomp_notif_addfd added = { 5, SECCOMP_ADDFD_FLAG_SETFD, -1, 7, O_CLOEXEC };
	struct blk_user_trace_setup setup = { .act_mask = 3, .buf_size = 4096, .buf_nr = 2, .pid = 1 };
	struct uffdio_register range = { { 0x1000, 0x2000 }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	struct uffdio_copy copy = { 0x1000, 0x2000, 4096, UFFDIO_COPY_MODE_DONTWAKE, 0 };
	uint64_t id = 77;
	unsigned repeat[] = { 250, 33 }, number = 9;

	ask(SECCOMP_IOCTL_NOTIF_SEND, &answer);
	ask(SECCOMP_IOCTL_NOTIF_ADDFD, &added);
	ask(SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
	ask(BLKTRACESETUP, &setup);
	ask(UFFDIO_REGISTER, &range);
	ask(UFFDIO_WAKE, &range);
	ask(UFFDIO_COPY, &copy);
	ask(HDIO_GETGEO, &range);
	CALL(ioctl, -1, HDIO_SET_DMA, 1l);
	CALL(ioctl, -1, NBD_SET_FLAGS, NBD_FLAG_HAS_FLAGS | NBD_FLAG_READ_ONLY);
	CALL(ioctl, -1, NBD_SET_BLKSIZE, 512l);
	CALL(ioctl, -1, NBD_DO_IT);
	ask(SG_SET_TIMEOUT, &number);
	ask(SG_GET_VERSION_NUM, &number);
	ask(EVIOCGVERSION, &number);
	ask(EVIOCSREP, repeat);
	ask(EVIOCGNAME(64), repeat);
	ask(EVIOCGBIT(EV_KEY, 96), repeat);
	ask(EVIOCGID, repeat);
	CALL(ioctl, -1, EVIOCGRAB, 1l);
	CALL(ioctl, -1, VIDIOC_QUERYCAP, NULL);
}

int main(void)
{
	names();
	interfaces();
	block();
	terminals();
	more();
	others();
	return 0;
}
