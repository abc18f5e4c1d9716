#include "sites/identity.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>

#include "core/build_id.h"
#include "sites/bytes.h"

long identity_of(const struct elf_file *elf, struct store_id *id)
{
	struct bytes bytes = { elf->bytes, elf->size };
	struct sha256_ctx hash;

	_Static_assert(sizeof(id->bytes) == SHA256_DIGEST_SIZE, "an identity by content is a SHA-256");
	if (core_build_id(bytes_read, &bytes, id) == 0)
		return 0;
	memset(id, 0, sizeof(*id));
	id->kind = STORE_CONTENT;
	id->size = sizeof(id->bytes);
	sha256_init(&hash);
	sha256_update(&hash, elf->size, elf->bytes);
	sha256_digest(&hash, sizeof(id->bytes), id->bytes);
	return 0;
}
