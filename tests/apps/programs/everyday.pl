# What Perl programs do with processes, signals and IPC; prints the same in every run.

use strict;
use threads;
use threads::shared;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Open3;
use IPC::SysV qw(IPC_PRIVATE IPC_RMID IPC_CREAT S_IRUSR S_IWUSR);
use POSIX qw(:sys_wait_h :signal_h);
use Time::HiRes qw(setitimer ITIMER_REAL usleep);

$| = 1;

# children with a status each, reaped without blocking
my %status;
for my $n (1 .. 10) {
	my $pid = fork // die;
	exit $n if !$pid;
	$status{$pid} = $n;
}
my $right = 0;
while (%status) {
	my $pid = waitpid -1, WNOHANG;
	usleep 1000, next if !$pid;
	$right += (delete $status{$pid}) == $? >> 8;
}
print "children $right\n";

open my $out, "|-", "sort -n | tail -n 2" or die;
print $out "$_\n" for reverse 1 .. 5000;
close $out;
open my $in, "-|", "seq", 5 or die;
print join(",", map { chomp; $_ } <$in>), "\n";
print "backticks ", `echo inner; exit 3`, $? >> 8, "\n";
print "system ", system("kill -9 \$\$"), "\n";
my $pid = open3(my $to, my $from, undef, "cat", "-n");
print $to "one\ntwo\n";
close $to;
print <$from>;
waitpid $pid, 0;

my $alarms = 0;
$SIG{ALRM} = sub { $alarms++ };
setitimer(ITIMER_REAL, 0.01, 0.01);
select undef, undef, undef, 0.02 for 1 .. 20;
setitimer(ITIMER_REAL, 0);
print "alarms ", $alarms > 10 ? "arrived" : "missing", "\n";
eval {
	local $SIG{ALRM} = sub { die "alarm\n" };
	alarm 1;
	my $x;
	pipe my $r, my $w;
	sysread $r, $x, 1;
};
print "caught $@";
my $set = POSIX::SigSet->new(SIGUSR1);
my $caught = 0;
$SIG{USR1} = sub { $caught++ };
sigprocmask(SIG_BLOCK, $set);
kill USR1 => $$;
print "blocked $caught ";
sigprocmask(SIG_UNBLOCK, $set);
print "delivered $caught\n";

my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
if (!fork) {
	my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $server->sockport) or die;
	print $client "request $_\n" for 1 .. 100;
	exit 0;
}
my $connection = $server->accept;
my @lines = <$connection>;
print "server got ", scalar(@lines), "\n";
wait;

my $id = shmget(IPC_PRIVATE, 100, IPC_CREAT | S_IRUSR | S_IWUSR) // die;
if (!fork) {
	shmwrite($id, "from the child", 0, 14);
	exit 0;
}
wait;
shmread($id, my $text, 0, 14);
shmctl($id, IPC_RMID, 0);
print "shm $text\n";

my $sum : shared = 0;
$_->join for map { threads->create(sub { for (1 .. 1000) { lock $sum; $sum++ } }) } 1 .. 4;
print "ithreads $sum\n";

srand 5;
my @numbers = sort { $a <=> $b } map { int rand 1e6 } 1 .. 50000;
print "sorted ", join(" ", @numbers[0, 25000, -1]), "\n";
my %words;
my $words = join " ", map { "x" x ($_ % 7) } 1 .. 5000;
$words{length $1}++ while $words =~ /(\w+)/g;
print join(" ", map { "$_=$words{$_}" } sort keys %words), "\n";
