/*
 * preload.c
 *		Preloaded beside libasan: that it comes first, and UBSan's options.
 *
 * Several libraries of a server binary (libgpg-error, for one) call
 * bindtextdomain() in their constructors. It calls malloc with a lock of
 * gettext held; if that malloc is the first, AddressSanitizer initializes
 * itself there, looks a symbol up that does not exist, and the message for
 * that goes through gettext: the lock is released twice and the next
 * bindtextdomain() waits for ever. Linked with "-z initfirst", the constructor
 * here runs before theirs.
 *
 * UBSan reads its options at the first report, from the environment that the
 * process was started with. The server has overwritten that with its title by
 * then; it gives UBSan what it has moved away, from PostgreSQL 16 on, and the
 * function here does so for older ones.
 */
#include <stdlib.h>

const char *__ubsan_default_options(void);

static void first(void) __attribute__((constructor));

const char *
__ubsan_default_options(void)
{
	const char *options = getenv("UBSAN_OPTIONS");

	return options ? options : "";
}

static void
first(void)
{
	void	   *volatile p = malloc(1);

	free(p);
}
