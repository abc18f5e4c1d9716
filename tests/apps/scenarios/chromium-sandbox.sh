# what: the same with its sandbox (user, PID and network namespaces, seccomp), as an unprivileged user
# needs: chromium curl setpriv
# timeout: 180
# version: chromium --version
. "$APPS/lib.sh"

. "$APPS/chromium.sh"
need_unprivileged
if [[ ! -u /usr/lib/chromium/chrome-sandbox ]]; then
	"${unprivileged[@]}" unshare -U true 2>/dev/null || skip "no user namespaces and no setuid sandbox"
fi
print_page unprivileged
