/*
 * preload.c
 *		Preloaded beside libasan: its options, and that it comes first.
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
 * process was started with. The server has overwritten it with its title by
 * then, so they are in a function. UBSan beside ASan knows no log_path: it
 * reports to standard error, which is the server's log.
 */
#include <stdlib.h>

const char *__ubsan_default_options(void);

static void first(void) __attribute__((constructor));

const char *
__ubsan_default_options(void)
{
	return "print_stacktrace=1:halt_on_error=1:abort_on_error=1";
}

static void
first(void)
{
	void	   *volatile p = malloc(1);

	free(p);
}
