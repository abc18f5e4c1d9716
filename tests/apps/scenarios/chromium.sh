# what: headless: a page with scripts, worker, WebAssembly and canvas as DOM, PDF and screenshot; without its sandbox
# needs: chromium curl
# timeout: 180
# version: chromium --version
. "$APPS/lib.sh"

. "$APPS/chromium.sh"
caller=(env)
print_page caller --no-sandbox
